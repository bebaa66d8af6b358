// Makes a form of each operation of the OpenAPI document once it is opened, and sends requests from it.
'use strict';

const make = (tag, props = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children);
  return node;
};

const resolve = (doc, schema) => {
  if (schema && schema.$ref) return schema.$ref.split('/').slice(1).reduce((at, key) => at[key], doc);
  return schema || {};
};

// An example value of a schema; `depth` ends recursion.
const example = (doc, schema, depth = 0) => {
  const s = resolve(doc, schema);
  if (depth > 6) return null;
  if (s.example !== undefined) return s.example;
  if (s.allOf) return Object.assign({}, ...s.allOf.map((part) => example(doc, part, depth + 1)));
  if (s.oneOf) return example(doc, s.oneOf.find((part) => part.type !== 'null') || s.oneOf[0], depth + 1);
  const type = Array.isArray(s.type) ? s.type.find((name) => name !== 'null') : s.type;
  if (type === 'array') return [example(doc, s.items, depth + 1)];
  if (s.properties) {
    return Object.fromEntries(Object.entries(s.properties).map(([key, value]) => [key, example(doc, value, depth + 1)]));
  }
  return { string: '', integer: 0, number: 0, boolean: false, object: {} }[type] ?? null;
};

const JOB = { name: 'hello', script: '#!/bin/sh\necho hello\n', nodes: 1, cards_per_node: 1, time_limit_ms: 60000 };

const send = async (method, path, inputs, body, kind, out) => {
  let url = path;
  const query = new URLSearchParams();
  const headers = {};
  const token = document.getElementById('token').value.trim();
  if (token) headers.Authorization = `Bearer ${token}`;
  for (const { name, where, input } of inputs) {
    const value = input.value.trim();
    if (where === 'path') url = url.replace(`{${name}}`, encodeURIComponent(value));
    else if (value && where === 'query') query.set(name, value);
    else if (value && where === 'header') headers[name] = value;
  }
  if ([...query].length) url += `?${query}`;
  if (body) headers['Content-Type'] = kind;
  out.hidden = false;
  out.textContent = `${method} ${url}\n…`;
  const began = performance.now();
  try {
    const answer = await fetch(url, { method, headers, body: body ? body.value : undefined, credentials: 'omit' });
    const type = answer.headers.get('content-type') || '';
    let text;
    if (type.startsWith('text/event-stream')) {
      const reader = answer.body.getReader();
      const until = performance.now() + 10000;
      text = '';
      const decoder = new TextDecoder();
      for (;;) {
        const part = await Promise.race([reader.read(), new Promise((done) => setTimeout(() => done({ done: true }), Math.max(0, until - performance.now())))]);
        if (part.done) break;
        text += decoder.decode(part.value, { stream: true });
        out.textContent = `${method} ${url}\n${answer.status}\n\n${text}`;
      }
      reader.cancel();
    } else {
      text = await answer.text();
      if (type.includes('json')) text = JSON.stringify(JSON.parse(text), null, 2);
    }
    const took = Math.round(performance.now() - began);
    out.textContent = `${method} ${url}\n${answer.status} ${answer.statusText} · ${took} ms · ${type}\n\n${text}`;
    out.className = answer.ok ? 'answer' : 'answer is-bad';
  } catch (error) {
    out.textContent = `${method} ${url}\n${routes.dataset.none}: ${error.message}`;
    out.className = 'answer is-bad';
  }
};

// A form of an operation, and what may be answered to it.
const fill = (body, doc, path, method, op) => {
  const inputs = [];
  const form = make('form', { className: 'form' });
  for (const parameter of op.parameters || []) {
    const input = make('input', { className: 'input', required: parameter.in === 'path', spellcheck: false });
    inputs.push({ name: parameter.name, where: parameter.in, input });
    form.append(make('label', { className: 'field' }, make('span', {}, make('code', { textContent: parameter.name }), ` ${parameter.in}`),
      input, make('span', { className: 'hint', lang: 'en', textContent: parameter.description || '' })));
  }
  let text = null;
  let kind = '';
  if (op.requestBody) {
    [kind] = Object.keys(op.requestBody.content);
    const schema = op.requestBody.content[kind].schema;
    const isJob = path === '/api/v1/jobs' || path === '/api/v1/jobs/dry-run';
    const value = kind === 'text/plain' ? '#!/bin/sh\n#SBATCH --job-name=hello --gres=npu:1 --time=1\necho hello\n'
      : JSON.stringify(isJob ? JOB : example(doc, schema), null, 2);
    text = make('textarea', { className: 'area', value, rows: Math.min(16, value.split('\n').length + 1), spellcheck: false });
    form.append(make('label', { className: 'field' }, make('code', { textContent: kind }), text,
      make('span', { className: 'hint', lang: 'en', textContent: op.requestBody.description || '' })));
  }
  const out = make('pre', { className: 'answer', hidden: true, tabIndex: 0 });
  const button = make('button', { className: 'btn is-main', textContent: routes.dataset.send });
  form.append(make('div', { className: 'actions' }, button), out);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    send(method.toUpperCase(), path, inputs, text, kind, out);
  });
  const answers = make('ul', { className: 'answers', lang: 'en' });
  for (const [status, response] of Object.entries(op.responses || {})) {
    const content = Object.values(response.content || {})[0];
    const name = content && content.schema && content.schema.$ref ? content.schema.$ref.split('/').pop() : '';
    answers.append(make('li', {}, make('code', { textContent: status }), ` ${response.description || ''} `, make('i', { textContent: name })));
  }
  body.replaceChildren(make('p', { lang: 'en', textContent: op.description || '' }), form, answers);
};

let reading = null;
const routes = document.getElementById('routes');
routes.addEventListener('toggle', async (event) => {
  const details = event.target;
  const body = details.querySelector('.op-body');
  if (!details.open || body.childElementCount) return;
  reading ??= fetch('/api/openapi.json').then((answer) => answer.json());
  const { method, path } = details.dataset;
  try {
    const doc = await reading;
    fill(body, doc, path, method, doc.paths[path][method]);
  } catch (error) {
    // The next one that is opened asks again.
    reading = null;
    body.textContent = `${routes.dataset.none}: ${error.message}`;
  }
}, true);
