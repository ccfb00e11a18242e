/** The redirect after signing in: it leads only to this server, and to the hosts that its configuration allows. */

import assert from 'node:assert/strict';
import { TEXTS, enter, scenario } from './support.js';

/** Values of `next` that have led to other sites in other programs. `PORT` is replaced by the port of the server. */
const ATTACKS = [
  'https://evil.example/', 'http://evil.example/', '//evil.example/', '///evil.example/', '////evil.example',
  '/\\evil.example/', '\\\\evil.example/', '\\/evil.example/', 'https:evil.example', 'https:/evil.example',
  'http:///evil.example', '/\t/evil.example/', '/\n/evil.example/', '/\r\n/evil.example/', '\u0000//evil.example',
  ' //evil.example', '\u00a0//evil.example', '/.//evil.example', '/..//evil.example', '/%2e//evil.example/',
  '/%09/evil.example', '/%5cevil.example', '%2f%2fevil.example', 'javascript:alert(1)', 'JaVaScRiPt:alert(1)',
  'java\nscript:alert(1)', 'javascript://localhost/%0aalert(1)', 'data:text/html,<script>alert(1)</script>',
  'vbscript:x', 'blob:http://localhost/x', 'file:///etc/passwd', 'http://localhost@evil.example/',
  'http://localhost:PORT@evil.example/', 'http://localhost:PORT.evil.example/', 'http://evil.example#localhost:PORT',
  'http://evil.example\\@localhost:PORT/', '//localhost:PORT@evil.example', '//evil.example%2f@localhost:PORT/',
  'http://localhost:1/', '//127.0.0.1.evil.example', '/account\r\nSet-Cookie: a=b', 'evil.example', '@evil.example',
  '/login?next=//evil.example',
];

const target = (server, attack) => attack.replaceAll('PORT', server.port);

scenario('with script, no value of next leads away from this server', async ({ page, server, watch }) => {
  watch.tolerate(/404/);
  const { name, password } = await server.user();
  for (const attack of ATTACKS) {
    await page.context().clearCookies();
    const next = encodeURIComponent(target(server, attack));
    await page.goto(`${server.url}/login?next=${next}`);
    await page.fill('#username', name);
    await page.fill('#password', password);
    await page.click('#submit');
    await page.waitForURL((url) => url.pathname !== '/login' || url.searchParams.get('next') === '//evil.example');
    assert.equal(new URL(page.url()).origin, server.url, JSON.stringify(attack));
  }
});

scenario('with the plain form, no value of next leads away from this server', { context: { javaScriptEnabled: false } }, async (tools) => {
  const { page, server, watch } = tools;
  watch.tolerate(/404/);
  const { name, password } = await server.user();
  for (const attack of ATTACKS) {
    await page.context().clearCookies();
    await page.goto(`${server.url}/login?next=${encodeURIComponent(target(server, attack))}`);
    await page.fill('#username', name);
    await page.fill('#password', password);
    await page.click('#submit');
    assert.equal(new URL(page.url()).origin, server.url, JSON.stringify(attack));
  }
});

scenario('a manipulated field next runs no script', async ({ page, server }) => {
  const { name, password } = await server.user();
  for (const next of ['javascript:globalThis.owned = 1', 'data:text/html,owned']) {
    await page.context().clearCookies();
    await page.goto(`${server.url}/login`);
    await page.locator('#login input[name=next]').evaluate((input, next) => (input.value = next), next);
    await enter(page, { name, password });
    await page.waitForURL(`${server.url}/account`);
    assert.equal(await page.evaluate(() => globalThis.owned), undefined);
  }
});

scenario('a path of this server is opened, with its query and fragment', async ({ page, server }) => {
  await page.goto(`${server.url}/login?next=${encodeURIComponent('/privacy?a=1&b=%2F#long')}`);
  await enter(page, await server.user());
  await page.waitForURL(`${server.url}/privacy?a=1&b=%2F#long`);
});

const ALLOWED = { settings: { allowed_redirect_hosts: 'app.example.com,*.apps.example.com' } };

scenario('the page says to which host the sign-in leads', ALLOWED, async ({ page, at }) => {
  const says = async (path) => {
    await page.goto(at(path));
    return page.locator('.onward').allTextContents();
  };
  const next = encodeURIComponent('https://app.example.com/start?x=1');
  assert.deepEqual(await says(`/login?next=${next}`), [`${TEXTS.login.onward} app.example.com`]);
  assert.deepEqual(await says(`/register?next=${next}`), [`${TEXTS.login.onward} app.example.com`]);
  assert.deepEqual(await says('/login?next=/privacy'), []);
  assert.deepEqual(await says(`/login?next=${encodeURIComponent('https://evil.example/')}`), []);
});

scenario('an allowed host is opened, and similar hosts are not', ALLOWED, async ({ page, server, watch }) => {
  const { name, password } = await server.user();
  const cases = [
    ['https://app.example.com/start?x=1', 'https://app.example.com'],
    ['https://one.apps.example.com/', 'https://one.apps.example.com'],
    ['https://app.example.com.evil.example/', server.url],
    ['https://evilapp.example.com/', server.url],
    ['https://app.example.com@evil.example/', server.url],
    ['ftp://app.example.com/', server.url],
  ];
  watch.allow('https://app.example.com');
  watch.allow('https://one.apps.example.com');
  await page.route((url) => url.hostname.endsWith('example.com'), (route) => route.fulfill({ body: 'there' }));
  for (const [next, origin] of cases) {
    await page.context().clearCookies();
    await page.goto(`${server.url}/login?next=${encodeURIComponent(next)}`);
    await enter(page, { name, password });
    await page.waitForURL((url) => url.pathname !== '/login');
    assert.equal(new URL(page.url()).origin, origin, next);
  }
});
