/**
 * The front-end kit, `static/client.js`: where its tokens are, who gets them, and what is done with them. Each test is run in
 * Chromium and in Firefox.
 */

import assert from 'node:assert/strict';
import { Front, api } from './front.js';
import { REFRESH, everywhere, follow, heard, login, me, state, tabs, until } from './kit.js';
import { PASSWORD, SHORT, untilOver } from './support.js';

const COOKIES = { kinds: ['cookies'] };
const BEARER = { kinds: ['tokens in memory', 'tokens of the tab', 'tokens of the device'] };
const ONE = { kinds: ['tokens in memory'] };

/** Everything that a script of a page can read of its storage. */
const readable = (tab) =>
  tab.evaluate(() => JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }, globalThis.auth, globalThis.name]));

const JWT = /eyJ[\w-]+\.[\w-]+\./;

everywhere('tokens are kept where the page wants them', {}, async ({ context, front, kind, ...tools }) => {
  const { all: [tab] } = await tabs({ context, front, kind, ...tools }, 1);
  const places = { cookies: [], 'tokens in memory': [], 'tokens of the tab': ['session'], 'tokens of the device': ['local'] };
  const [local, session] = await tab.evaluate(() => [localStorage, sessionStorage].map((one) => JSON.stringify({ ...one })));
  assert.deepEqual([JWT.test(local) && 'local', JWT.test(session) && 'session'].filter(Boolean), places[kind]);
  assert.equal(JWT.test(await readable(tab)), places[kind].length > 0);
  const stored = await tab.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  assert.ok(!stored.includes('@example.com'), 'nothing about the user is stored');
  if (kind !== 'cookies') assert.equal((await context.cookies()).length, 0);

  await front.open(tab);
  const after = await follow(tab);
  assert.equal(after.status, kind === 'tokens in memory' ? 'signed-out' : 'signed-in', 'after a reload of the only tab');
  assert.deepEqual(await heard(tab), []);
  assert.equal(front.count(REFRESH), 0);
  await tab.close();
  const next = await front.open(await context.newPage());
  const isKept = ['cookies', 'tokens of the device'].includes(kind);
  assert.equal((await follow(next)).status, isKept ? 'signed-in' : 'signed-out', 'in a tab that is opened later');
  if (!isKept) return;
  await next.evaluate(() => globalThis.auth.logout());
  assert.ok(!JWT.test(await readable(next)), 'a sign-out removes the tokens');
});

everywhere('a session that ended while no page was open has its reason at the next visit', {}, async ({ front, server, kind, ...tools }) => {
  const isKept = ['cookies', 'tokens of the device', 'tokens of the tab'].includes(kind);
  const { all: [tab], user } = await tabs({ front, server, kind, ...tools }, 1);
  await tab.goto('about:blank');
  server.command(['user', 'disable', user.name]);
  await front.open(tab);
  assert.deepEqual(await follow(tab), { status: 'signed-out', user: null, ...(isKept && { reason: 'disabled' }) });
  assert.equal(front.count(REFRESH), 0, 'the server says it without a refusal');
});

everywhere('after a reload with an expired token the user is still signed in', { settings: SHORT, kinds: ['cookies', 'tokens of the device'] },
  async ({ front, server, page }) => {
    const user = await server.user();
    await front.open(page);
    await login(page, user);
    await untilOver();
    await front.open(page);
    assert.equal((await follow(page)).user.username, user.name);
    assert.equal(front.count(REFRESH), 1);
  });

everywhere('eleven sign-ins are one device, and the phone stays signed in', {}, async ({ front, server, page }) => {
  const user = await server.user();
  const phone = await server.call('/auth/login', { username: user.name, password: user.password, device_name: 'Phone' });
  for (let time = 0; time < 11; time += 1) {
    // A reload, so that nothing is kept in memory.
    await front.open(page);
    await login(page, user);
  }
  const names = (await page.evaluate(() => globalThis.auth.sessions())).map((one) => one.device_name);
  assert.equal(names.length, 2, names.join(', '));
  const refreshed = await server.call('/auth/refresh', { refresh_token: phone.body.refresh_token });
  assert.equal(refreshed.status, 200);
});

everywhere('an account is created, changed and confirmed, and its sessions are listed and ended', {}, async ({ front, server, page, watch }) => {
  watch.tolerate(/401|422/);
  await front.open(page);
  await follow(page);
  const name = `new${Date.now() % 1e9}`;
  const short = await page.evaluate((username) => globalThis.problem(globalThis.auth.register({ username, password: 'short' })), name);
  assert.deepEqual([short.code, short.status, short.fields.map((one) => one.field)], ['invalid_request', 422, ['password']]);
  assert.match(short.message, /password must have at least/);
  const made = await page.evaluate(([username, password]) => globalThis.auth.register({ username, password }), [name, PASSWORD]);
  assert.deepEqual([made.username, (await state(page)).status], [name, 'signed-out']);
  const user = await login(page, { name });
  assert.deepEqual([user.id, user.email], [made.id, null]);
  await page.evaluate(() => globalThis.auth.refresh());
  const email = `${name}@example.com`;
  const update = () => page.evaluate((email) => globalThis.problem(globalThis.auth.update({ email })), email);
  assert.equal((await update()).code, 'fresh_token_required');
  const wrong = await page.evaluate(() => globalThis.problem(globalThis.auth.confirm('not the one')));
  assert.deepEqual([wrong.code, wrong.status], ['invalid_credentials', 401]);
  await page.evaluate((password) => globalThis.auth.confirm(password), PASSWORD);
  assert.equal(await update(), null);
  assert.equal((await state(page)).user.email, email);
  assert.equal((await page.evaluate(() => globalThis.auth.user())).email, email);

  const phone = (await server.call('/auth/login', { username: name, password: PASSWORD })).body;
  await page.evaluate((id) => globalThis.auth.endSession(id), phone.session_id);
  assert.equal((await state(page)).status, 'signed-in');
  assert.equal((await server.call('/auth/refresh', { refresh_token: phone.refresh_token })).status, 401);
  const next = 'another harbour 77 lantern';
  await page.evaluate(([old, next]) => globalThis.auth.changePassword(old, next), [PASSWORD, next]);
  assert.equal(await me(page), 200);
  const [own] = await page.evaluate(() => globalThis.auth.sessions());
  await page.evaluate((id) => globalThis.auth.endSession(id), own.id);
  await until(page, 'signed-out');
  assert.deepEqual((await heard(page)).slice(-1), ['signed-out: revoked']);
});

everywhere('a sign-out everywhere ends the other devices too', {}, async ({ front, server, page }) => {
  const user = await server.user();
  const phone = (await server.call('/auth/login', { username: user.name, password: user.password })).body;
  await front.open(page);
  await follow(page);
  await login(page, user);
  await page.evaluate(() => globalThis.auth.logout({ everywhere: true }));
  assert.equal((await server.call('/auth/refresh', { refresh_token: phone.refresh_token })).body.reason, 'logged_out');
  assert.deepEqual(await heard(page), ['signed-in', 'signed-out: logged_out']);
  await front.open(page);
  assert.deepEqual(await follow(page), { status: 'signed-out', user: null });
});

everywhere('the token goes to the server and to the named origins, and nowhere else', BEARER, async ({ t, server, page, front, kind, watch }) => {
  watch.tolerate(/401/);
  const [own, other] = [await api(t), await api(t)];
  for (const { url } of [own, other, server]) watch.allow(url);
  const site = await Front.start(t, server, { transport: 'bearer', url: server.url, client: `${server.url}/static/client.js`, allow: [own.url] });
  watch.allow(site.url);
  await site.open(page);
  const user = await login(page, await server.user());
  const [sent, token] = await page.evaluate(async (url) => {
    const answer = await globalThis.auth.fetch(`${url}/notes`, { method: 'POST', body: '{}' });
    const again = await globalThis.auth.fetch(new Request(`${url}/notes`, { headers: { 'Content-Type': 'application/json' } }));
    return [[await answer.json(), await again.json()], await globalThis.auth.accessToken()];
  }, own.url);
  assert.deepEqual(sent, [{ authorization: `Bearer ${token}` }, { authorization: `Bearer ${token}` }]);
  assert.equal((await server.call('/users/me', undefined, { Authorization: `Bearer ${token}` })).body.id, user.id);
  for (const target of [other.url, `${other.url}/`, '//evil.example/', '/\\evil.example/', 'https://evil.example/', front.url]) {
    const problem = await page.evaluate((target) => globalThis.problem(globalThis.auth.fetch(target)), target);
    assert.match(problem?.message ?? 'it was sent', /is not http:\/\/localhost.* in allow/, target);
  }
  assert.deepEqual(other.asked, []);
});

everywhere('an origin with an audience gets a token for it, from one request', ONE,
  async ({ t, server, page, watch }) => {
    const { issuer } = (await server.call('/.well-known/oauth-authorization-server')).body;
    const { name } = await server.user();
    server.command(['client', 'add', name, '--public', '--audience', issuer, '--audience', 'https://notes.example.com']);
    const own = await api(t);
    for (const { url } of [own, server]) watch.allow(url);
    const allow = { [own.url]: { audience: 'https://notes.example.com' } };
    const options = { transport: 'bearer', clientId: name, url: server.url, client: `${server.url}/static/client.js`, allow };
    const site = await Front.start(t, server, options);
    watch.allow(site.url);
    await site.open(page);
    await login(page, await server.user());
    const tokens = await page.evaluate(async (url) => {
      const ask = async () => (await (await globalThis.auth.fetch(`${url}/notes`)).json()).authorization;
      const both = await Promise.all([ask(), ask(), globalThis.auth.accessToken({ audience: 'https://notes.example.com' })]);
      return [...both, await globalThis.auth.accessToken()];
    }, own.url);
    const audience = (token) => JSON.parse(Buffer.from(token.replace('Bearer ', '').split('.')[1], 'base64url')).aud;
    assert.deepEqual(tokens.map(audience).slice(0, 3), Array(3).fill('https://notes.example.com'));
    assert.equal(tokens[0], `Bearer ${tokens[2]}`);
    assert.equal(new Set(tokens.slice(0, 2)).size, 1);
    assert.notEqual(audience(tokens[3]), 'https://notes.example.com');
    assert.equal(await me(page), 200, 'the account keeps its own token');
  });

everywhere('an API that refuses an old token gets a new one, and a new one is not refreshed again', ONE, async ({ t, server, page, watch }) => {
  watch.tolerate(/401/);
  let isPicky = true;
  const own = await api(t, () => (isPicky ? [401, { error: 'no' }] : [200, {}]));
  for (const { url } of [own, server]) watch.allow(url);
  const options = { transport: 'bearer', url: server.url, client: `${server.url}/static/client.js`, allow: [own.url] };
  const site = await Front.start(t, server, options);
  watch.allow(site.url);
  await site.open(page);
  await login(page, await server.user());
  const ask = () => page.evaluate(async (url) => (await globalThis.auth.fetch(url)).status, own.url);
  assert.deepEqual([await ask(), own.asked.length], [401, 1], 'the token is new, so a refresh would not help');
  await page.evaluate(() => {
    const { now } = Date;
    Date.now = () => now.call(Date) + 60_000;
  });
  own.asked.length = 0;
  assert.deepEqual([await ask(), new Set(own.asked).size], [401, 2], 'refreshed once');
  own.asked.length = 0;
  assert.deepEqual([await ask(), own.asked.length], [401, 1]);
  isPicky = false;
  assert.equal(await ask(), 200);
});

everywhere('with cookies, an audience is refused when the client is made', COOKIES, async ({ front, page }) => {
  await front.open(page);
  const message = await page.evaluate(async () => {
    const { createClient } = await import('/static/client.js');
    try {
      return createClient({ allow: { 'https://notes.example.com': { audience: 'notes' } } }) && 'made';
    } catch (error) {
      return `${error.name}: ${error.message}`;
    }
  });
  assert.equal(message, "TypeError: a token for an audience needs the transport 'bearer'");
});

everywhere('cookies that the browser does not keep are an error that names the setting', COOKIES, async ({ t, server, page, watch }) => {
  watch.tolerate(/401|[Cc]ookie/);
  watch.allow(server.url);
  const options = { transport: 'cookie', url: server.url, client: `${server.url}/static/client.js` };
  const site = await Front.start(t, server, options, '127.0.0.1');
  watch.allow(site.url);
  await site.open(page);
  const user = await server.user();
  const problem = await page.evaluate(
    ([username, password]) => globalThis.problem(globalThis.auth.login({ username, password })), [user.name, user.password]);
  assert.deepEqual([problem.ours, problem.code], [true, 'cookies_refused']);
  assert.match(problem.message, /127\.0\.0\.1 is not localhost.*'bearer'.*cookie_secure/);
  assert.equal((await follow(page)).status, 'signed-out');
});

everywhere('a page of another port signs in with cookies', COOKIES, async ({ t, server, page, watch }) => {
  watch.allow(server.url);
  const site = await Front.start(t, server, { transport: 'cookie', url: server.url, client: `${server.url}/static/client.js` });
  watch.allow(site.url);
  await site.open(page);
  await follow(page);
  const user = await server.user();
  await login(page, user);
  await page.evaluate(() => globalThis.auth.refresh());
  assert.equal(await page.evaluate(() => globalThis.auth.accessToken()), null, 'no script reads the token');
  const next = await page.evaluate(() => globalThis.auth.loginUrl());
  assert.equal(next, `${server.url}/login?next=${encodeURIComponent(`${site.url}/page`)}`);
  await site.open(page);
  assert.equal((await follow(page)).user.username, user.name);
  await page.evaluate(() => globalThis.auth.logout());
  assert.equal((await state(page)).status, 'signed-out');
});

everywhere('a worker signs in', BEARER, async ({ front, server, page, kind }) => {
  await front.open(page);
  const user = await server.user();
  const seen = await page.evaluate(async ([options, username, password]) => {
    const text = `import { createClient } from '${location.origin}/static/client.js';
      const auth = createClient(${JSON.stringify(options)});
      onmessage = async ({ data }) => {
        await auth.login(data);
        const answer = await auth.fetch('/users/me');
        postMessage([(await auth.ready).status, (await answer.json()).username]);
      };`;
    const worker = new Worker(URL.createObjectURL(new Blob([text], { type: 'text/javascript' })), { type: 'module' });
    const answer = new Promise((resolve, reject) => Object.assign(worker, { onmessage: ({ data }) => resolve(data), onerror: reject }));
    worker.postMessage({ username, password });
    return answer;
  }, [{ url: front.url, transport: 'bearer', fingerprint: 'off' }, user.name, user.password]);
  assert.deepEqual(seen, ['signed-in', user.name], kind);
});
