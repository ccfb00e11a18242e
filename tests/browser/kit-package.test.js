/**
 * The front-end kit as its users get it: the npm package, made as the README says, in TypeScript, in Node.js and in a project of
 * Vite; the examples; and the page of the README.
 */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { after, test } from 'node:test';
import { HERE, scenario, server as start } from './support.js';

const ROOT = join(HERE, '../..');

/** Runs a program to its end. Returns its standard output. */
function run(folder, [program, ...args], environment = {}) {
  const options = { cwd: folder, env: { ...process.env, ...environment }, encoding: 'utf8' };
  const { status, stdout, stderr, error } = spawnSync(program, args, options);
  assert.equal(status, 0, `${program} ${args.join(' ')}: ${error ?? ''}${stdout}${stderr}`);
  return stdout;
}

const NPM = ['--no-audit', '--no-fund', '--loglevel=error'];

let checkout;

/** Copies the parts of the repository that the examples need, without what was built there, and makes the package. */
function copy() {
  if (checkout) return checkout;
  checkout = mkdtempSync(join(tmpdir(), 'vestibule-kit-'));
  const isSource = (path) => !/node_modules|\/dist$|\.tgz$|package-lock\.json$/.test(path) || path.endsWith('kit/package-lock.json');
  for (const folder of ['static', 'kit', 'examples/react', 'examples/spa', 'examples/backends']) {
    cpSync(join(ROOT, folder), join(checkout, folder), { recursive: true, filter: isSource });
  }
  for (const licence of ['LICENSE-MIT', 'LICENSE-APACHE']) cpSync(join(ROOT, licence), join(checkout, licence));
  run(join(checkout, 'kit'), ['npm', 'ci', ...NPM]);
  run(join(checkout, 'kit'), ['npm', 'pack', ...NPM]);
  const react = join(checkout, 'examples/react');
  run(react, ['npm', 'install', ...NPM]);
  return checkout;
}

after(() => checkout && rmSync(checkout, { recursive: true, force: true }));

/** As `python3 -m http.server` sends them: without a character set. */
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };

/** Serves files. Returns the address. */
async function serve(t, fileOf) {
  const site = createServer((request, response) => {
    const path = request.url === '/' ? '/index.html' : request.url;
    const content = fileOf(path);
    if (content === undefined) return response.writeHead(404).end();
    return response.writeHead(200, { 'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream' }).end(content);
  });
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve));
  t.after(() => site.close());
  return `http://localhost:${site.address().port}`;
}

/** Starts the example `express.mjs` for the pages of an origin. Returns its address. */
async function express(t, server, origin) {
  const folder = join(copy(), 'examples/backends');
  if (!existsSync(join(folder, 'node_modules'))) symlinkSync(join(ROOT, 'tests/browser/node_modules'), join(folder, 'node_modules'));
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  const { issuer } = (await server.call('/.well-known/oauth-authorization-server')).body;
  const variables = { PORT: String(port), VESTIBULE_URL: server.url, ISSUER: issuer, ORIGIN: origin };
  const child = spawn('node', ['express.mjs'], { cwd: folder, env: { ...process.env, ...variables }, stdio: 'inherit' });
  t.after(() => child.kill());
  const url = `http://localhost:${port}`;
  for (let tries = 0; tries < 200; tries += 1) {
    if (await fetch(url).then((answer) => answer.ok, () => false)) return url;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the example does not answer');
}

test('the package has types that TypeScript checks, and nothing but its modules', () => {
  const root = copy();
  assert.deepEqual(readdirSync(join(root, 'examples/react/node_modules/vestibule-client')).sort(), ['README.md', 'dist', 'package.json']);
  const names = ['client', 'fingerprint', 'react', 'server'];
  const files = readdirSync(join(root, 'examples/react/node_modules/vestibule-client/dist')).sort();
  assert.deepEqual(files, ['LICENSE-APACHE', 'LICENSE-MIT', ...names.flatMap((name) => [`${name}.d.ts`, `${name}.js`])]);
  cpSync(join(HERE, 'types/usage.tsx'), join(root, 'examples/react/usage.tsx'));
  for (const name of ['@types', 'csstype', 'jose']) {
    const place = join(root, 'examples/react/node_modules', name);
    if (!existsSync(place)) symlinkSync(join(root, 'kit/node_modules', name), place);
  }
  const tsc = join(root, 'kit/node_modules/typescript/bin/tsc');
  const flags = ['--noEmit', '--strict', '--jsx', 'react-jsx', '--module', 'esnext', '--moduleResolution', 'bundler', '--target', 'es2023'];
  run(join(root, 'examples/react'), ['node', tsc, ...flags, 'usage.tsx']);
});

test('the package has the version of the server, also where the README and the example name it', () => {
  const text = (path) => readFileSync(join(ROOT, path), 'utf8');
  const [, version] = /^version = "(.*)"$/m.exec(text('Cargo.toml'));
  assert.equal(JSON.parse(text('kit/package.json')).version, version);
  const named = ['README.md', 'examples/react/package.json'].flatMap((path) => text(path).match(/vestibule-client-[\d.]+\d/g) ?? []);
  assert.deepEqual([...new Set(named)], [`vestibule-client-${version}`]);
});

test('the served module is below 5 kB as a browser loads it', async (t) => {
  const { url } = await start();
  for (const [coding, limit] of [['br', 5_000], ['gzip', 5_120]]) {
    const answer = await fetch(`${url}/static/client.js`, { headers: { 'Accept-Encoding': coding } });
    const bytes = Number(answer.headers.get('Content-Length'));
    t.diagnostic(`client.js: ${bytes} bytes with ${coding}`);
    assert.equal(answer.headers.get('Content-Encoding'), coding);
    assert.ok(bytes > 0 && bytes < limit, `${bytes} bytes with ${coding}`);
  }
});

test('in Node.js the package signs in, checks tokens in a backend, and lets the process end', async () => {
  const root = copy();
  const server = await start();
  const [ada, eve] = [await server.user(), await server.user()];
  const { issuer } = (await server.call('/.well-known/oauth-authorization-server')).body;
  const script = `
    import assert from 'node:assert/strict';
    import { createServer } from 'node:http';
    import { createClient, AuthError } from 'vestibule-client';
    import { verify } from 'vestibule-client/server';
    const [url, issuer, ada, eve, password] = process.argv.slice(2);
    assert.throws(() => createClient({}), TypeError);
    const clients = [ada, eve].map(() => createClient({ url, transport: 'bearer', persist: 'device' }));
    await assert.rejects(clients[0].login({ username: ada, password: 'not the one' }), { code: 'invalid_credentials', status: 401 });
    await Promise.all(clients.map((one, index) => one.login({ username: [ada, eve][index], password })));
    const names = await Promise.all(clients.map(async (one) => (await (await one.fetch('/users/me')).json()).username));
    assert.deepEqual(names, [ada, eve], 'two clients are two users');
    await Promise.all([clients[0].refresh(), clients[0].refresh(), clients[0].accessToken()]);
    const token = await clients[0].accessToken();
    const expected = { url, issuer, audience: issuer };
    const check = (authorization, other) => verify(new Request('http://api/', { headers: { authorization } }), { ...expected, ...other });
    assert.equal((await check('Bearer ' + token)).username, ada);
    assert.equal((await verify({ headers: { authorization: 'bearer ' + token } }, expected)).username, ada);
    const { refresh_token: refresh } = await (await fetch(url + '/auth/login', {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ username: ada, password }),
    })).json();
    const none = { alg: 'none', typ: 'at+jwt' };
    const forged = [Buffer.from(JSON.stringify(none)).toString('base64url'), token.split('.')[1], ''].join('.');
    for (const wrong of ['', 'Basic YTpi', 'Bearer', 'Bearer x', 'Bearer ' + token.slice(0, -3), 'Bearer ' + refresh, 'Bearer ' + forged]) {
      assert.equal(await check(wrong), null, wrong);
    }
    assert.equal(await check('Bearer ' + token, { audience: 'https://other.example.com' }), null);
    assert.equal(await check('Bearer ' + token, { issuer: 'https://other.example.com' }), null);
    await assert.rejects(check('Bearer ' + token, { url: 'http://127.0.0.1:9' }), 'without the keys nobody is let in, or refused');
    await assert.rejects(check('Bearer ' + token, { url: url + '/', issuer, audience: undefined }), TypeError);
    for (const [status, body] of [[500, ''], [200, '<h1>Maintenance</h1>'], [200, '{}']]) {
      const proxy = createServer((request, response) => response.writeHead(status).end(body));
      await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
      await assert.rejects(check('Bearer ' + token, { url: 'http://127.0.0.1:' + proxy.address().port }), 'a proxy: ' + body);
      proxy.closeAllConnections();
      proxy.close();
    }
    const cookies = createClient({ url });
    await assert.rejects(cookies.login({ username: ada, password }), { code: 'cookies_refused' });
    assert.equal((await cookies.ready).status, 'signed-out');
    await clients[0].logout();
    assert.equal((await clients[0].ready).status, 'signed-out');
    console.log('done');
  `;
  const folder = join(root, 'examples/react');
  writeFileSync(join(folder, 'try.mjs'), script);
  if (!existsSync(join(folder, 'node_modules/jose'))) symlinkSync(join(root, 'kit/node_modules/jose'), join(folder, 'node_modules/jose'));
  const began = Date.now();
  const printed = run(folder, ['node', '--preserve-symlinks', 'try.mjs', server.url, issuer, ada.name, eve.name, ada.password]);
  assert.equal(printed, 'done\n');
  assert.ok(Date.now() - began < 60_000);
});

/** Signs in on a page of an example, asks the API, and signs out. */
async function tryPage({ page, server, url }, { status, ask, answer }) {
  const user = await server.user();
  await page.goto(url);
  await page.locator('input[name=username]').fill(user.email);
  await page.locator('input[name=password]').fill('not the one');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator(status, { hasText: 'wrong' }).waitFor();
  await page.locator('input[name=password]').fill(user.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator(status, { hasText: 'Hello' }).waitFor();
  await page.getByRole('button', { name: ask }).click();
  await page.locator(answer, { hasText: `"username":"${user.name}"` }).waitFor();
  const other = await page.context().newPage();
  await other.goto(url);
  await other.locator(status, { hasText: 'Hello' }).waitFor();
  // Somebody who comes back to a tab learns that the session has ended, and so does the other tab.
  server.command(['session', 'revoke', '--user', user.name]);
  await other.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  for (const tab of [page, other]) await tab.getByRole('button', { name: 'Sign in' }).waitFor();
  await page.locator('input[name=username]').fill(user.email);
  await page.locator('input[name=password]').fill(user.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await other.getByRole('button', { name: 'Sign out' }).click();
  for (const tab of [page, other]) await tab.getByRole('button', { name: 'Sign in' }).waitFor();
}

scenario('the example in React is built by Vite, and works', async ({ t, page, server, watch }) => {
  watch.tolerate(/401/);
  const react = join(copy(), 'examples/react');
  const url = await serve(t, (path) => (existsSync(join(react, 'dist', path)) ? readFileSync(join(react, 'dist', path)) : undefined));
  const api = await express(t, server, url);
  run(react, ['npm', 'run', 'build', ...NPM], { VITE_VESTIBULE_URL: server.url, VITE_API_URL: api });
  for (const origin of [url, api]) watch.allow(origin);
  await tryPage({ page, server, url }, { status: '[role=status]', ask: /Ask my own API/, answer: 'output' });
});

/** Returns a page with other addresses of server and API. */
const moved = (html, server, api) => html.replaceAll('http://localhost:8000', server.url).replaceAll('http://localhost:9000', api);

scenario('the example in plain HTML works', async ({ t, page, server, watch }) => {
  watch.tolerate(/401/);
  let html = '';
  const url = await serve(t, (path) => (path === '/index.html' ? html : path === '/favicon.ico' ? '' : undefined));
  const api = await express(t, server, url);
  html = moved(readFileSync(join(ROOT, 'examples/spa/index.html'), 'utf8'), server, api);
  for (const origin of [url, api]) watch.allow(origin);
  await tryPage({ page, server, url }, { status: '#message', ask: /Ask my own API/, answer: '#answer' });
});

scenario('the page of the README works as it stands', async ({ t, page, server, watch }) => {
  watch.tolerate(/401/);
  const [, found] = /```html\n([^]*?)```/.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'));
  let html = '';
  const url = await serve(t, (path) => (path === '/index.html' ? html : path === '/favicon.ico' ? '' : undefined));
  const api = await express(t, server, url);
  html = moved(found.replaceAll(/^ {3}/gm, ''), server, api);
  for (const origin of [url, api]) watch.allow(origin);
  await tryPage({ page, server, url }, { status: '#hello', ask: /Ask my API/, answer: '#answer' });
});
