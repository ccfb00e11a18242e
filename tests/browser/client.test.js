/**
 * `static/client.js` as another front end uses it: on a page of the server's own origin, and on a page of another origin.
 */

import assert from 'node:assert/strict';
import { SHORT, otherSite, scenario, scratch, untilOver } from './support.js';

const DEV_COOKIES = { csrfCookie: 'csrf_token' };

const script = (server, options) => `<script type="module" nonce="n">
  import { createClient, AuthError } from ${JSON.stringify(server.url + '/static/client.js')};
  globalThis.auth = createClient(${JSON.stringify({ ...DEV_COOKIES, ...options })});
  globalThis.problem = (promise) => promise.then(() => null, (error) => ({
    ...error, message: error.message, ours: error instanceof AuthError,
  }));
</script>`;

/**
 * Opens an empty page with a client in `globalThis.auth`. Its `globalThis.problem` returns the error of a call as plain data,
 * or null.
 */
async function open({ context, server }, page, options) {
  await scratch(context, `${server.url}/scratch`, { script: script(server, options) });
  await page.goto(`${server.url}/scratch`);
  await page.waitForFunction(() => globalThis.auth);
}

/** Opens the same page on another origin. Its client uses bearer tokens. */
async function openElsewhere({ t, server, page, watch }) {
  const site = await otherSite(t, { script: script(server, { url: server.url, transport: 'bearer' }) });
  watch.allow(site);
  await page.goto(`${site}/app`);
  await page.waitForFunction(() => globalThis.auth);
  return site;
}

const signIn = (page, { email, password }) =>
  page.evaluate(([email, password]) => globalThis.auth.login({ email, password }), [email, password]);

/** Signs in with cookies, without the client. It runs in a page. */
const signInByForm = ([email, password]) =>
  fetch('/auth/login', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email, password, transport: 'cookie' }),
  });

const me = (page) => page.evaluate(async () => (await globalThis.auth.fetch('/users/me')).status);

const sessions = (page) => page.evaluate(async () => (await globalThis.auth.fetch('/auth/active_sessions')).json());

const paths = (watch, path) => watch.requests.filter((one) => new URL(one.url()).pathname === path && one.method() !== 'OPTIONS');

scenario('with cookies: signs in bound to the browser, and no script can read a token', async (tools) => {
  const { page, server, context } = tools;
  const ada = await server.user();
  await open(tools, page, { transport: 'cookie' });
  assert.equal((await signIn(page, ada)).username, ada.name);
  assert.deepEqual((await sessions(page)).map((one) => one.device_bound), [true]);
  const readable = await page.evaluate(() => [document.cookie, { ...localStorage }, { ...sessionStorage }]);
  assert.match(readable[0], /^csrf_token=[\w-]+$/);
  assert.deepEqual(readable.slice(1), [{}, {}]);
  const tokens = (await context.cookies()).filter((cookie) => cookie.name !== 'csrf_token');
  assert.deepEqual(tokens.map((cookie) => cookie.httpOnly), [true, true, true]);
});

scenario('with cookies: signs out, also on the server', async (tools) => {
  const { page, server, watch } = tools;
  watch.tolerate(/401/);
  await open(tools, page, { transport: 'cookie' });
  await signIn(page, await server.user());
  await page.evaluate(() => globalThis.auth.logout());
  assert.equal(await me(page), 401);
  await page.evaluate(() => globalThis.auth.logout());
});

scenario('ten calls after the access token has expired cause one refresh', { settings: SHORT }, async (tools) => {
  const { page, server, watch } = tools;
  watch.tolerate(/401/);
  await open(tools, page, { transport: 'cookie' });
  await signIn(page, await server.user());
  await untilOver();
  const all = await page.evaluate(() =>
    Promise.all(Array.from({ length: 10 }, async () => (await globalThis.auth.fetch('/users/me')).status)),
  );
  assert.deepEqual(all, Array(10).fill(200));
  assert.equal(paths(watch, '/auth/refresh').length, 1);
});

scenario('two tabs whose access token expires at once both continue, and neither is signed out', { settings: SHORT }, async (tools) => {
  const { page, server, watch, context } = tools;
  watch.tolerate(/401/);
  const other = await context.newPage();
  await open(tools, page, { transport: 'cookie' });
  await signIn(page, await server.user());
  await open(tools, other, { transport: 'cookie' });
  for (let round = 0; round < 3; round += 1) {
    await untilOver();
    assert.deepEqual(await Promise.all([me(page), me(other)]), [200, 200]);
  }
  const count = paths(watch, '/auth/refresh').length;
  assert.ok(count >= 3 && count <= 6, `${count} refreshes`);
});

scenario('two tabs without Web Locks, as over plain http, continue as well', { settings: SHORT }, async (tools) => {
  const { page, server, watch, context } = tools;
  watch.tolerate(/401/);
  await context.addInitScript(() => Object.defineProperty(navigator, 'locks', { value: undefined }));
  const other = await context.newPage();
  await open(tools, page, { transport: 'cookie' });
  await signIn(page, await server.user());
  await open(tools, other, { transport: 'cookie' });
  for (let round = 0; round < 3; round += 1) {
    await untilOver();
    assert.deepEqual(await Promise.all([me(page), me(other)]), [200, 200]);
  }
});

scenario('when another tab signs another user in during a refresh, the refresh continues the new session', async (tools) => {
  const { page, server, watch, context } = tools;
  watch.tolerate(/403/);
  const other = await context.newPage();
  await open(tools, page, { transport: 'cookie' });
  await signIn(page, await server.user());
  await open(tools, other, { transport: 'cookie' });
  const eve = await server.user();
  let held = 0;
  await context.route('**/auth/refresh', async (route) => {
    // The cookies change after the page has read the CSRF token, and before the request is sent.
    held += 1;
    // The server's own form signs in without this client, which would wait for the refresh.
    if (held === 1) await other.evaluate(signInByForm, [eve.email, eve.password]);
    await route.continue();
  });
  assert.equal(await page.evaluate(() => globalThis.problem(globalThis.auth.refresh())), null);
  assert.equal(await page.evaluate(async () => (await (await globalThis.auth.fetch('/users/me')).json()).username), eve.name);
});

scenario('when another tab changes the password during a refresh, neither tab is signed out', async (tools) => {
  const { page, server, watch, context } = tools;
  watch.tolerate(/401/);
  const other = await context.newPage();
  await open(tools, page, { transport: 'cookie' });
  const ada = await server.user();
  await signIn(page, ada);
  await open(tools, other, { transport: 'cookie' });
  const before = (await context.cookies(`${server.url}/auth/refresh`)).map(({ name, value }) => `${name}=${value}`).join('; ');
  let held = 0;
  await context.route('**/auth/refresh', async (route) => {
    held += 1;
    if (held > 1) return route.continue();
    // The refresh is sent with the cookies from before the password change, and arrives after the change.
    const changed = await other.evaluate(async (password) => {
      const headers = { 'Content-Type': 'application/json' };
      const body = JSON.stringify({ current_password: password, new_password: 'another harbour 77 lantern' });
      return (await globalThis.auth.fetch('/users/me/password', { method: 'POST', headers, body })).status;
    }, ada.password);
    assert.equal(changed, 200);
    const request = route.request();
    const headers = { ...request.headers(), cookie: before };
    const late = await fetch(request.url(), { method: 'POST', headers, body: request.postData() });
    assert.equal(late.status, 401);
    return route.fulfill({ status: late.status, contentType: 'application/problem+json', body: await late.text() });
  });
  assert.equal(await page.evaluate(() => globalThis.problem(globalThis.auth.refresh())), null);
  assert.deepEqual([await me(page), await me(other)], [200, 200]);
  assert.equal(held, 2);
});

scenario('an ended session causes one 401, not an endless loop', { settings: SHORT }, async (tools) => {
  const { page, server, watch } = tools;
  watch.tolerate(/401/);
  const ada = await server.user();
  await open(tools, page, { transport: 'cookie' });
  await signIn(page, ada);
  server.command(['session', 'revoke', '--user', ada.name]);
  await untilOver();
  assert.equal(await me(page), 401);
  assert.equal(paths(watch, '/auth/refresh').length, 1);
});

scenario('an error has a code, a status and the invalid fields', async (tools) => {
  const { page, watch } = tools;
  watch.tolerate(/401|422/);
  await open(tools, page, { transport: 'cookie' });
  const wrong = await page.evaluate(() =>
    globalThis.problem(globalThis.auth.login({ email: 'nobody@example.com', password: 'not the one' })),
  );
  assert.deepEqual([wrong.ours, wrong.code, wrong.status, wrong.fields], [true, 'invalid_credentials', 401, []]);
  const short = await page.evaluate(() =>
    globalThis.problem(globalThis.auth.register({ email: 'new@example.com', password: 'short' })),
  );
  assert.deepEqual([short.code, short.status, short.fields.map((one) => one.field)], ['invalid_request', 422, ['password']]);
});

scenario('the error for too many attempts contains the time to wait', { settings: { login_failures_per_account: '2/15m' } }, async (tools) => {
  const { page, server, watch } = tools;
  watch.tolerate(/401|429/);
  const { email } = await server.user();
  await open(tools, page, { transport: 'cookie' });
  const attempt = () =>
    page.evaluate((email) => globalThis.problem(globalThis.auth.login({ email, password: 'not the one' })), email);
  let last = await attempt();
  for (let tries = 0; tries < 5 && last.status === 401; tries += 1) last = await attempt();
  assert.equal(last.code, 'too_many_requests');
  assert.ok(last.retryAfter > 0 && last.retryAfter <= 900, `${last.retryAfter}`);
});

scenario('a server that does not respond causes the error unreachable', async (tools) => {
  const { page, context, watch } = tools;
  watch.tolerate(/ERR_FAILED/);
  await open(tools, page, { transport: 'cookie' });
  await context.route('**/auth/login', (route) => route.abort());
  const problem = await page.evaluate(() => globalThis.problem(globalThis.auth.login({ email: 'a@example.com', password: 'x' })));
  assert.deepEqual([problem.ours, problem.code, problem.status], [true, 'unreachable', 0]);
});

scenario('a sign-in succeeds without a fingerprint if the module does not load', async (tools) => {
  const { page, context, server } = tools;
  await context.route('**/static/fingerprint.js', () => {});
  await open(tools, page, { transport: 'cookie' });
  await signIn(page, await server.user());
  assert.deepEqual((await sessions(page)).map((one) => one.device_bound), [false]);
});

scenario('with the fingerprint switched off, its module is not requested', async (tools) => {
  const { page, server, watch } = tools;
  await open(tools, page, { transport: 'cookie', fingerprint: 'off' });
  await signIn(page, await server.user());
  assert.deepEqual((await sessions(page)).map((one) => one.device_bound), [false]);
  assert.equal(paths(watch, '/static/fingerprint.js').length, 0);
});

scenario('from another origin with bearer tokens: signs in bound, refreshes once for three calls, signs out', { settings: SHORT }, async (tools) => {
  const { page, server, watch } = tools;
  watch.tolerate(/401/);
  await openElsewhere(tools);
  await signIn(page, await server.user());
  assert.deepEqual((await sessions(page)).map((one) => one.device_bound), [true]);
  await untilOver();
  const all = await page.evaluate(() => Promise.all([1, 2, 3].map(async () => (await globalThis.auth.fetch('/users/me')).status)));
  assert.deepEqual(all, [200, 200, 200]);
  assert.equal(paths(watch, '/auth/refresh').length, 1);
  await page.evaluate(() => globalThis.auth.logout());
  assert.equal(await me(page), 401);
});

scenario('the client sends a token to no other server', async (tools) => {
  const { page, server, watch } = tools;
  const site = await openElsewhere(tools);
  await signIn(page, await server.user());
  const targets = ['https://evil.example/', '//evil.example/', '/\\evil.example/', `${site}/`];
  const problems = await page.evaluate(
    (targets) => Promise.all(targets.map((target) => globalThis.problem(globalThis.auth.fetch(target)))),
    targets,
  );
  assert.equal(problems.length, targets.length);
  for (const problem of problems) assert.match(problem.message, /is not http:\/\/localhost/);
  assert.deepEqual(watch.requests.filter((one) => one.url().includes('evil')), []);
});
