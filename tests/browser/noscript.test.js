/** Everything with JavaScript switched off: plain forms, cookies and redirects. */

import assert from 'node:assert/strict';
import { SHORT, TEXTS, scenario, untilOver } from './support.js';

const OFF = { javaScriptEnabled: false };
const PLAIN = { context: OFF };
const EXPIRING = { context: OFF, settings: SHORT };

async function signIn(page, server, { name, password }) {
  await page.goto(`${server.url}/login`);
  await page.fill('#username', name);
  await page.fill('#password', password);
  await page.click('#submit');
}

const text = (page, selector) => page.locator(selector).textContent();

scenario('without script: signs in, unbound, and the account page reports it', PLAIN, async ({ page, server }) => {
  const ada = await server.user();
  await page.goto(`${server.url}/login`);
  assert.match(await text(page, 'noscript'), new RegExp(TEXTS.login.unbound));
  assert.ok(await page.locator('button[aria-controls=password]').isHidden(), 'no button that does nothing');
  await signIn(page, server, ada);
  assert.equal(page.url(), `${server.url}/account`);
  assert.match(await text(page, '#devices li'), new RegExp(TEXTS.account.unbound));
});

scenario('without script: a wrong password is reported in one sentence, and the name is kept', PLAIN, async ({ page, server, watch }) => {
  watch.tolerate(/401/);
  const ada = await server.user();
  for (const name of [ada.name, 'nobody-of-this-name']) {
    await signIn(page, server, { name, password: 'not the one' });
    assert.equal(await text(page, '#error p'), TEXTS.errors.invalid_credentials);
    assert.equal(await text(page, '#error a'), TEXTS.login.again);
    assert.ok((await page.title()).startsWith(TEXTS.error_prefix));
    assert.equal(await page.inputValue('#username'), name);
    assert.equal(await page.inputValue('#password'), '');
  }
});

scenario('without script: a wrong password has the same sentence as with script', PLAIN, async () => {
  assert.equal(TEXTS.script.login.wrong, TEXTS.errors.invalid_credentials);
});

scenario('without script: after too many attempts the page says how long to wait', {
  context: OFF,
  settings: { login_failures_per_account: '2/15m' },
}, async ({ page, server, watch }) => {
  watch.tolerate(/401|429/);
  const ada = await server.user();
  for (let tries = 0; tries < 4; tries += 1) await signIn(page, server, { ...ada, password: 'not the one' });
  const [before] = TEXTS.errors.too_many_requests.split('{wait}');
  const sentence = await text(page, '#error p');
  assert.ok(sentence.startsWith(before), sentence);
  assert.match(sentence, /\d+ (second|minute)/);
});

scenario('without script: creates an account and is signed in', PLAIN, async ({ page, server }) => {
  await page.goto(`${server.url}/register`);
  await page.fill('#username', 'grace');
  await page.fill('#password', 'quiet harbour lantern 42');
  await page.click('#submit');
  assert.equal(page.url(), `${server.url}/account`);
  assert.match(await text(page, 'main'), /grace/);
});

scenario('without script: sees the devices, signs the others out, changes the password, signs out', PLAIN, async (tools) => {
  const { page, server } = tools;
  const ada = await server.user();
  await server.call('/auth/login', { username: ada.name, password: ada.password, device_name: 'Old phone' });
  await server.call('/auth/login', { username: ada.name, password: ada.password, device_name: 'Work' });
  await signIn(page, server, ada);
  assert.equal(await page.locator('#devices li').count(), 3);
  await page.locator('#devices li', { hasText: 'Old phone' }).locator('button').click();
  assert.equal(await text(page, '.message.good'), TEXTS.notices.device_signed_out);
  assert.equal(await page.locator('#devices li').count(), 2);
  await page.locator('#revoke-others button').click();
  assert.equal(await text(page, '.message.good'), TEXTS.notices.others_signed_out);
  await page.fill('#current_password', ada.password);
  await page.fill('#new_password', 'another harbour 77 lantern');
  await page.locator('#change-password [type=submit]').click();
  assert.equal(await text(page, '.message.good'), TEXTS.notices.password_changed);
  await page.locator('#sign-out button').click();
  assert.equal(await text(page, '.message.good'), TEXTS.notices.signed_out);
  await page.goto(`${server.url}/account`);
  assert.equal(await page.locator('#login').count(), 1);
});

scenario('without script: name and address are changed, with the password', PLAIN, async ({ page, server }) => {
  const ada = await server.user();
  await signIn(page, server, ada);
  await page.locator('summary', { hasText: TEXTS.account.names_open }).click();
  await page.fill('#username', `${ada.name}-new`);
  await page.fill('#names_password', ada.password);
  await page.locator('#change-names [type=submit]').click();
  assert.equal(await text(page, '.message.good'), TEXTS.notices.names_changed);
  assert.equal(await text(page, '.who strong'), `${ada.name}-new`);
});

const REJECTING = { max_devices_per_user: '1', device_limit_policy: 'reject' };

scenario('without script: at the limit of devices one is signed out, and the sign-in completes', {
  context: OFF,
  settings: REJECTING,
}, async ({ page, server, watch }) => {
  watch.tolerate(/403/);
  const ada = await server.user();
  await server.call('/auth/login', { username: ada.name, password: ada.password, device_name: 'Lost phone' });
  await signIn(page, server, ada);
  assert.equal(await text(page, '#error p'), TEXTS.errors.device_limit_choice);
  await page.check('.choices input');
  await page.fill('#password', ada.password);
  await page.click('#submit');
  assert.equal(page.url(), `${server.url}/account`);
  assert.equal(await page.locator('#devices li').count(), 1);
});

scenario('without script: deletes the account', PLAIN, async ({ page, server }) => {
  const ada = await server.user();
  await signIn(page, server, ada);
  await page.locator('summary', { hasText: TEXTS.account.delete_open }).click();
  await page.fill('#delete-password', ada.password);
  await page.check('#confirm');
  await page.locator('#delete-account [type=submit]').click();
  assert.equal(await text(page, '.message.good'), TEXTS.notices.account_deleted);
});

scenario('without script: a person who comes back after the access token has expired is still signed in', EXPIRING, async (tools) => {
  const { page, server } = tools;
  await signIn(page, server, await server.user());
  await untilOver();
  await page.goto(`${server.url}/account`);
  assert.equal(await page.locator('#devices li').count(), 1);
});

scenario('without script: if the token of a bound session has expired, the page explains it and leads to the form', EXPIRING, async (tools) => {
  const { page, server, context } = tools;
  const ada = await server.user();
  const fingerprint = {
    os: 'Linux', browser: 'Chrome', canvasPrint: 'x', fonts: 'Arial', cpu: 'amd64', hardwareConcurrency: 2, language: 'en',
  };
  const body = { username: ada.name, password: ada.password, transport: 'cookie', fingerprint };
  const login = await context.request.post(`${server.url}/auth/login`, { data: body });
  assert.equal(login.status(), 200);
  await untilOver();
  await page.goto(`${server.url}/account`);
  assert.equal(new URL(page.url()).pathname, '/auth/continue');
  assert.match(await text(page, 'noscript'), new RegExp(TEXTS.continue.no_script.slice(0, 40)));
  await page.locator('main a.button').click();
  assert.equal(await page.locator('#login').count(), 1);
});
