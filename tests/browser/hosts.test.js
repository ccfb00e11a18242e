/** What other hosts, other programs on this machine and proxies do to a sign-in in a real browser. */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { capture } from './screens.js';
import { PASSWORD, SHORT, TEXTS, enter, scenario, server as start, signIn, untilOver } from './support.js';

/** One sign-in for a domain, whose hosts are below localhost, so that Chromium accepts secure cookies over http. */
const DOMAIN = { settings: { cookie_secure: 'true', cookie_domain: 'example.localhost' } };

/** Starts an application of its own on this machine. `answer` gets each request. Returns its port. */
async function application(t, answer) {
  const site = createServer((request, response) => {
    const page = { 'Content-Type': 'text/html' };
    response.writeHead(200, { ...page, ...answer(request) }).end('<!doctype html><title>Application</title>');
  });
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve));
  t.after(() => site.close());
  return site.address().port;
}

/** Returns the value of a cookie in a `Cookie` header or in `Set-Cookie` headers. */
function cookieIn(lines, name) {
  const pair = [lines].flat().flatMap((line) => line.split('; ')).find((text) => text.startsWith(`${name}=`));
  return pair?.slice(name.length + 1);
}

scenario('a stored cookie that is not UTF-8 takes no sign-in away', { settings: SHORT }, async (tools) => {
  const { t, page, server, watch } = tools;
  // Node writes headers as Latin-1, so this is one byte that is not UTF-8.
  const port = await application(t, () => ({ 'Set-Cookie': 'place=Caf\u00e9; Path=/' }));
  watch.allow(`http://localhost:${port}`);
  watch.tolerate(/401/);
  await page.goto(`http://localhost:${port}/`);
  const ada = await server.user();
  await signIn(page, server, ada);
  await page.goto(`${server.url}/account`);
  assert.match(await page.locator('main').textContent(), new RegExp(ada.name));
  await untilOver();
  await page.goto(`${server.url}/account`);
  await page.locator('#sign-out').waitFor();
});

scenario('a stale cookie from before a change of base_path signs nobody out', { settings: SHORT }, async (tools) => {
  const { page, server, watch } = tools;
  watch.tolerate(/401/);
  // Before the change the refresh cookie had the path `/`. Cookies of one host have no port, so another server leaves the same.
  const before = await start({ ...SHORT, base_path: '/' });
  watch.allow(before.url);
  await signIn(page, before, await before.user());
  const ada = await server.user();
  for (const round of [1, 2]) {
    await page.goto(`${server.url}/login`);
    await enter(page, ada);
    await page.waitForURL(`${server.url}/account`);
    await untilOver();
    await page.goto(`${server.url}/account`);
    await page.locator('#sign-out').waitFor();
    assert.match(await page.locator('main').textContent(), new RegExp(ada.name), `round ${round}`);
    await page.context().clearCookies({ name: 'access_token' });
  }
});

for (const [title, options] of [
  ['without cookie_domain', { settings: { cookie_secure: 'true' } }],
  ['with cookie_domain', DOMAIN],
]) {
  scenario(`the cookies of a sibling host sign nobody in as somebody else, ${title}`, options, async (tools) => {
    const { t, page, server, watch } = tools;
    const [ada, eve] = [await server.user(), await server.user()];
    const { headers } = await server.call('/auth/login', { username: eve.name, password: PASSWORD, transport: 'cookie' });
    const own = headers.getSetCookie();
    const access = own.map((line) => line.split('=')[0]).find((name) => name.endsWith('access_token'));
    // The attacker's own cookies, for the whole domain: names with `__Host-` the browser does not take from there.
    const tossed = [
      `${access.replace('__Host-', '__Secure-')}=${cookieIn(own, access)}; Domain=example.localhost; Path=/; Secure`,
      `__Secure-refresh_token=${cookieIn(own, '__Secure-refresh_token')}; Domain=example.localhost; Path=/auth; Secure`,
      `__Host-csrf_token=${cookieIn(own, '__Host-csrf_token')}; Domain=example.localhost; Path=/; Secure`,
    ];
    const port = await application(t, () => ({ 'Set-Cookie': tossed }));
    const [here, sibling] = [`http://auth.example.localhost:${server.port}`, `http://evil.example.localhost:${port}`];
    watch.allow(here);
    watch.allow(sibling);
    await page.goto(sibling);
    await page.goto(`${here}/account`);
    await page.waitForURL(/\/login/);
    await enter(page, ada);
    await page.waitForURL(`${here}/account`);
    await page.goto(sibling);
    await page.goto(`${here}/account`);
    // With cookie_domain the sibling has overwritten the access cookie, and the page gets a new one before it appears.
    await page.locator('#sign-out').waitFor();
    assert.match(await page.locator('main').textContent(), new RegExp(ada.name));
  });
}

scenario('an application behind the proxy can do nothing with the access cookie', DOMAIN, async (tools) => {
  const { t, page, server, watch } = tools;
  let received = '';
  const port = await application(t, (request) => {
    received = request.headers.cookie ?? '';
    return {};
  });
  const [here, there] = [`http://auth.example.localhost:${server.port}`, `http://app.example.localhost:${port}`];
  watch.allow(here);
  watch.allow(there);
  const ada = await server.user();
  await page.goto(`${here}/login`);
  await enter(page, ada);
  await page.waitForURL(`${here}/account`);
  await page.goto(there);
  const names = received.split('; ').map((pair) => pair.split('=')[0]);
  assert.deepEqual(names, ['__Secure-access_token'], 'the browser sends nothing else to another host');
  const token = cookieIn(received, '__Secure-access_token');
  const bearer = { Authorization: `Bearer ${token}` };
  for (const path of ['/users/me', '/auth/active_sessions', '/auth/verify']) {
    const answer = await server.call(path, undefined, bearer);
    assert.deepEqual([answer.status, answer.body.error], [401, 'invalid_token'], path);
  }
  assert.equal((await server.call('/auth/logout', {}, bearer)).status, 401);
  const cookie = { Cookie: received };
  assert.equal((await server.call('/users/me', undefined, cookie)).status, 401);
  const verified = await server.call('/auth/verify', undefined, cookie);
  assert.deepEqual([verified.status, verified.headers.get('remote-user')], [200, ada.name]);
});

scenario('an international address is registered and signs in as it was typed', async ({ page, at }) => {
  // Chromium sends the domain of an input of the type email in ASCII, and of a text input as it was typed.
  for (const [typed, again] of [
    ['ada@bücher.example', 'ada@bücher.example'],
    ['eve@παράδειγμα.example', 'EVE@xn--hxajbheg2az3al.example'],
  ]) {
    await page.goto(at('/register'));
    await page.locator('#email').pressSequentially(typed);
    await page.locator('#password').pressSequentially(PASSWORD);
    await page.locator('#submit').click();
    await page.waitForURL(at('/account'));
    await page.locator('#sign-out button').click();
    await page.waitForURL(/\/login/);
    await enter(page, { name: again, password: PASSWORD });
    await page.waitForURL(at('/account'));
    await page.locator('#sign-out button').click();
    await page.waitForURL(/\/login/);
  }
});

const PLAIN = {
  settings: { cookie_secure: 'true', public_url: 'https://auth.example.test' },
  browserArgs: ['--host-resolver-rules=MAP auth.example.test 127.0.0.1'],
};

scenario('a page over plain http says why nobody can sign in, also behind a proxy that says nothing', PLAIN, async (tools) => {
  const { page, server, watch } = tools;
  const here = `http://auth.example.test:${server.port}`;
  watch.allow(here);
  watch.tolerate(/Cross-Origin-Opener-Policy/);
  await page.goto(`${here}/login`);
  assert.match(await page.locator('main').textContent(), new RegExp(TEXTS.trouble.insecure));
});

scenario('a person signs out on the page to which applications link', async ({ page, server, at }) => {
  await signIn(page, server, await server.user());
  await page.goto(at('/logout?next=/privacy'));
  await capture(page, 'logout');
  await page.getByRole('button', { name: TEXTS.logout.submit }).click();
  await page.waitForURL(at('/privacy'));
  await page.goto(at('/logout'));
  assert.match(await page.locator('main').textContent(), new RegExp(TEXTS.notices.signed_out));
  await page.goto(at('/account'));
  await page.waitForURL(/\/login/);
});

scenario('an error of an API path is a page with a way on', async ({ page, watch, at }) => {
  watch.tolerate(/40[14]/);
  const refused = await page.goto(at('/users/me'));
  assert.equal(refused.status(), 401);
  await capture(page, 'signed-out');
  await page.getByRole('link', { name: TEXTS.error_page.sign_in }).click();
  await page.waitForURL(/\/login\?next=/);
  const missing = await page.goto(at('/auth/nothing'));
  assert.equal(missing.status(), 404);
  await page.getByRole('link', { name: TEXTS.error_page.home }).click();
  await page.waitForURL(/\/login$/);
});
