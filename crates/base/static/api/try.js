// Shows the OpenAPI document and sends requests from it. Nothing is loaded from elsewhere.
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
    out.textContent = `${method} ${url}\nno answer: ${error.message}`;
    out.className = 'answer is-bad';
  }
};

const route = (doc, path, method, op) => {
  const inputs = [];
  const form = make('form', { className: 'try' });
  for (const parameter of op.parameters || []) {
    const input = make('input', { required: parameter.in === 'path', spellcheck: false });
    inputs.push({ name: parameter.name, where: parameter.in, input });
    form.append(make('label', {}, make('code', { textContent: parameter.name }), ` ${parameter.in} `, input,
      make('span', { className: 'hint', textContent: parameter.description || '' })));
  }
  let body = null;
  let kind = '';
  if (op.requestBody) {
    [kind] = Object.keys(op.requestBody.content);
    const schema = op.requestBody.content[kind].schema;
    const isJob = path === '/api/v1/jobs' || path === '/api/v1/jobs/dry-run';
    const text = kind === 'text/plain' ? '#!/bin/sh\n#SBATCH --job-name=hello --gres=npu:1 --time=1\necho hello\n'
      : JSON.stringify(isJob ? JOB : example(doc, schema), null, 2);
    body = make('textarea', { value: text, rows: Math.min(16, text.split('\n').length + 1), spellcheck: false });
    form.append(make('label', {}, make('code', { textContent: kind }), body,
      make('span', { className: 'hint', textContent: op.requestBody.description || '' })));
  }
  const out = make('pre', { className: 'answer', hidden: true, tabIndex: 0 });
  form.append(make('button', { textContent: 'Send 发送' }), out);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    send(method.toUpperCase(), path, inputs, body, kind, out);
  });
  const answers = make('ul', { className: 'answers' });
  for (const [status, response] of Object.entries(op.responses || {})) {
    const content = Object.values(response.content || {})[0];
    const name = content && content.schema && content.schema.$ref ? content.schema.$ref.split('/').pop() : '';
    answers.append(make('li', {}, make('code', { textContent: status }), ` ${response.description || ''} `, make('i', { textContent: name })));
  }
  const summary = make('summary', {}, make('b', { className: `method is-${method}`, textContent: method.toUpperCase() }),
    make('code', { textContent: path }), make('span', { textContent: op.summary || '' }));
  return make('details', {}, summary, make('p', { textContent: op.description || '' }), form, answers);
};

const show = async () => {
  const main = document.getElementById('routes');
  try {
    const doc = await (await fetch('/api/openapi.json')).json();
    const byTag = new Map((doc.tags || []).map((tag) => [tag.name, make('section', {},
      make('h2', { textContent: tag.name }), make('p', { textContent: tag.description || '' }))]));
    for (const [path, methods] of Object.entries(doc.paths)) {
      for (const [method, op] of Object.entries(methods)) {
        const section = byTag.get((op.tags || [])[0]);
        if (section) section.append(route(doc, path, method, op));
      }
    }
    main.replaceChildren(make('p', { textContent: doc.info.description }), ...byTag.values());
  } catch (error) {
    main.replaceChildren(make('p', { className: 'is-bad', textContent: `The document could not be read: ${error.message}` }));
  }
  main.removeAttribute('aria-busy');
};
show();
