/** The effect of cookies that another host of the domain, or another program on this machine, has set in a real browser. */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { SHORT, enter, scenario, signIn, untilOver } from './support.js';

/** Secure cookies, as outside of the profile `dev`. Chromium accepts them over http from hosts below `localhost`. */
const SECURE = { settings: { cookie_secure: 'true' } };

/** Logs in through the API. Returns the values of the cookies by their names without prefix. */
async function tokensOf(server, { name, password }) {
  const answer = await server.call('/auth/login', { username: name, password, transport: 'cookie' });
  assert.equal(answer.status, 200);
  const pairs = answer.headers.getSetCookie().map((line) => line.split(';')[0].split('='));
  return Object.fromEntries(pairs.map(([cookie, value]) => [cookie.replace(/^__(Host|Secure)-/, ''), value]));
}

/** Starts a sibling host, whose page sets cookies for the whole domain. */
async function sibling(t, cookies) {
  const site = createServer((request, response) => {
    const lines = cookies.map(([name, value, path]) => `${name}=${value}; Domain=example.localhost; Path=${path}; Secure`);
    // Node writes headers as Latin-1. With this conversion it writes the bytes of UTF-8.
    const bytes = lines.map((line) => Buffer.from(line).toString('latin1'));
    response.writeHead(200, { 'Content-Type': 'text/html', 'Set-Cookie': bytes }).end('<!doctype html><title>Evil</title>');
  });
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve));
  t.after(() => site.close());
  return `http://evil.example.localhost:${site.address().port}/`;
}

for (const csrf of ['%5f%5fHost-csrf_token', '__Host%2Dcsrf_token', '\u2000__Host-csrf_token', '__Host-csrf_toke%6e']) {
  scenario(`a sibling host that sets ${JSON.stringify(csrf)} signs nobody in as another user`, SECURE, async (tools) => {
    const { t, page, context, server, watch } = tools;
    const [ada, eve] = [await server.user(), await server.user()];
    const url = `http://auth.example.localhost:${server.port}`;
    const stolen = await tokensOf(server, eve);
    const evil = await sibling(t, [
      ['%5f%5fHost-access_token', 'x', '/'],
      [csrf, stolen.csrf_token, '/'],
      ['__Secure-refresh_token', stolen.refresh_token, '/auth'],
    ]);
    watch.allow(url);
    watch.allow(new URL(evil).origin);

    // The browser gets the cookies of the sibling host before the victim has signed in, and again afterwards.
    await page.goto(evil);
    const tossed = (await context.cookies(`${url}/auth/continue`)).map((cookie) => cookie.name);
    assert.ok(tossed.includes('__Secure-refresh_token'), `the browser took ${tossed}`);
    await page.goto(`${url}/auth/continue?next=/account`);
    await page.waitForURL(/\/login/);
    await enter(page, ada);
    await page.waitForURL(`${url}/account`);
    await page.goto(evil);
    await page.goto(`${url}/auth/continue?next=/account`);
    assert.match(await page.locator('main').textContent(), new RegExp(ada.name));
    // Without the access cookie the refresh cookies decide: the victim's cookie, and the cookie of the sibling host.
    await context.clearCookies({ name: '__Host-access_token' });
    await page.goto(`${url}/account`);
    await page.waitForURL(`${url}/account`);
    assert.match(await page.locator('main').textContent(), new RegExp(ada.name));
  });
}

scenario('a stale cookie of the same name signs nobody out, and a sign-in removes it', { settings: SHORT }, async (tools) => {
  const { page, context, server, watch } = tools;
  watch.tolerate(/401/);
  const ada = await server.user();
  await signIn(page, server, ada);
  const { refresh_token: stale } = await tokensOf(server, await server.user());
  for (const value of ['junk', stale]) {
    // Another program on localhost, or an earlier `base_path`, can leave such a cookie.
    await context.addCookies([{ name: 'refresh_token', value, domain: 'localhost', path: '/' }]);
    await untilOver();
    await page.goto(`${server.url}/account`);
    await page.locator('#sign-out').waitFor();
    assert.match(await page.locator('main').textContent(), new RegExp(ada.name));
  }
  const kept = (await context.cookies(`${server.url}/auth/refresh`)).filter((cookie) => cookie.name === 'refresh_token');
  assert.deepEqual(kept.map((cookie) => cookie.path), ['/auth'], 'the refresh that followed removed the other one');
});
