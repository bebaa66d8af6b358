// A certified OpenID provider on this machine, for tests. Its first line says where it listens; it ends with its standard
// input. The settings are JSON, the first argument:
//   port           0 for any
//   name           tells its cookies from those of others at the same address
//   center         the address of the center
//   client         the short name of the issuer there
//   alg            by which it signs ID tokens
//   inToken        whether claims are in the ID token, or on the page about a subject alone
//   groups         groups by login; a login that is not there has no such claim
// A POST of JSON to /test/groups changes the groups.
import { createServer } from 'node:http';
import { generateKeyPair, exportJWK } from 'jose';
import Provider from 'oidc-provider';

const settings = JSON.parse(process.argv[2]);
let groups = settings.groups;
console.warn = () => {};

const { privateKey } = await generateKeyPair(settings.alg, { extractable: true });
const key = { ...(await exportJWK(privateKey)), use: 'sig', alg: settings.alg, kid: `key-${Date.now()}` };

let handle = (request, response) => response.writeHead(503).end();
const server = createServer((request, response) => handle(request, response));
await new Promise((done) => server.listen(settings.port, '127.0.0.1', done));
const issuer = `http://127.0.0.1:${server.address().port}`;
const returns = `${settings.center}/sign-in/oidc/${settings.client}`;

const provider = new Provider(issuer, {
  jwks: { keys: [key] },
  clients: [{
    client_id: 'qiantang',
    client_secret: 'a secret of the client',
    redirect_uris: [`${returns}/callback`],
    post_logout_redirect_uris: [`${settings.center}/sign-in`],
    backchannel_logout_uri: `${returns}/logout`,
    backchannel_logout_session_required: true,
    id_token_signed_response_alg: settings.alg,
    token_endpoint_auth_method: 'client_secret_basic',
  }],
  claims: { openid: ['sub', 'sid'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username', 'groups'] },
  conformIdTokenClaims: !settings.inToken,
  features: { backchannelLogout: { enabled: true }, rpInitiatedLogout: { enabled: true } },
  cookies: {
    keys: ['of tests'],
    names: { session: `${settings.name}_s`, interaction: `${settings.name}_i`, resume: `${settings.name}_r` },
  },
  // The center is on this machine, which a provider asks nothing of by itself.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  pkce: { required: () => true },
  ttl: { Session: 3600, Grant: 3600, Interaction: 600, AccessToken: 600, IdToken: 600 },
  findAccount: (_, login) => ({
    accountId: login,
    claims: () => ({
      sub: login,
      name: `${login} of ${settings.name}`,
      preferred_username: login,
      email: `${login}@${settings.name}.example`,
      email_verified: true,
      ...(login in groups ? { groups: groups[login] } : {}),
    }),
  }),
});

const serve = provider.callback();
handle = (request, response) => {
  if (request.url === '/favicon.ico') {
    response.writeHead(204).end();
  } else if (request.url === '/test/groups') {
    let body = '';
    request.on('data', (part) => { body += part; });
    request.on('end', () => {
      groups = JSON.parse(body);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  } else {
    serve(request, response);
  }
};
console.log(issuer);
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
