/** The page that creates an account. */

import assert from 'node:assert/strict';
import { PASSWORD, TEXTS, scenario } from './support.js';

async function send(page, { username = '', email = '', password = PASSWORD }) {
  if (username) await page.locator('#username').pressSequentially(username);
  if (email) await page.locator('#email').pressSequentially(email);
  await page.locator('#password').pressSequentially(password);
  await page.click('#submit');
}

async function error(page) {
  await page.locator('#error:not([hidden])').waitFor();
  return page.textContent('#error p');
}

scenario('an account is created, and its owner is signed in, bound to the browser', async ({ page, server }) => {
  await page.goto(`${server.url}/register?next=/account`);
  await send(page, { username: 'hopper', email: 'hopper@example.com' });
  await page.waitForURL(`${server.url}/account`);
  assert.match(await page.textContent('main'), /hopper/);
  assert.match(await page.locator('#devices li').first().textContent(), new RegExp(TEXTS.account.bound));
});

scenario('a taken name is reported, and the typed text except the password is kept', async ({ page, server, watch }) => {
  watch.tolerate(/409/);
  const ada = await server.user();
  await page.goto(`${server.url}/register`);
  await send(page, { username: ada.name });
  assert.equal(await error(page), TEXTS.script.register.check);
  assert.equal(await page.textContent('#username-problem'), `${TEXTS.fields.username} is taken.`);
  assert.equal(await page.getAttribute('#username', 'aria-invalid'), 'true');
  assert.ok((await page.title()).startsWith(TEXTS.error_prefix));
  assert.ok(await page.evaluate(() => document.activeElement.id === 'error'));
  assert.equal(await page.inputValue('#username'), ada.name);
  assert.equal(await page.inputValue('#password'), '');
});

scenario('a password that is too easy is reported at its field, which is marked', async ({ page, server, watch }) => {
  watch.tolerate(/422/);
  await page.goto(`${server.url}/register`);
  await send(page, { username: 'weak', password: 'password1234' });
  assert.equal(await error(page), TEXTS.script.register.check);
  const problem = page.locator('#password-problem');
  assert.match(await problem.textContent(), new RegExp(`^${TEXTS.fields.password} .*\\.$`));
  assert.equal(await page.locator('#error a').textContent(), await problem.textContent());
  assert.equal(await page.getAttribute('#password', 'aria-invalid'), 'true');
  assert.equal(await page.getAttribute('#password', 'aria-describedby'), 'password-hint password-problem');
  await page.click('#error a');
  assert.ok(await page.evaluate(() => document.activeElement.id === 'password'), 'the link leads to the field');
  await page.fill('#password', PASSWORD);
  await page.click('#submit');
  await page.waitForURL(`${server.url}/account`);
});

scenario('the hint about the length is marked as soon as the password is long enough', async ({ page, at }) => {
  await page.goto(at('/register'));
  const mark = () => page.locator('#password-hint').evaluate((hint) => getComputedStyle(hint, '::before').content);
  await page.locator('#password').pressSequentially('sevenis');
  assert.equal(await mark(), 'none');
  await page.locator('#password').pressSequentially('8');
  assert.match(await mark(), /✓/);
});

scenario('after too many new accounts the page says how long to wait', { settings: { register_rate_per_ip: '1/1h' } }, async (tools) => {
  const { page, server, watch } = tools;
  watch.tolerate(/429/);
  await server.call('/auth/register', { username: 'first', password: PASSWORD });
  await page.goto(`${server.url}/register`);
  await send(page, { username: 'second' });
  const [before] = TEXTS.script.register['too-many'].split('{wait}');
  assert.ok((await error(page)).startsWith(before));
});

scenario('the field tells password managers that the password is new', async ({ page, at }) => {
  await page.goto(at('/register'));
  assert.equal(await page.getAttribute('#password', 'autocomplete'), 'new-password');
  assert.equal(await page.getAttribute('#username', 'autocomplete'), 'username');
  assert.equal(await page.getAttribute('#email', 'type'), 'email');
});

scenario('the form has only the fields that the configuration requires', { settings: { username_field: 'email' } }, async ({ page, at }) => {
  await page.goto(at('/register'));
  assert.equal(await page.locator('#username').count(), 0);
  assert.equal(await page.getAttribute('#email', 'autocomplete'), 'username');
  assert.notEqual(await page.getAttribute('#email', 'required'), null);
});

scenario('if registration is closed, the page reports it and has no form', {
  settings: { registration: 'closed' },
}, async ({ page, at, watch }) => {
  watch.tolerate(/403/);
  await page.goto(at('/login'));
  assert.equal(await page.locator('a[href^="/register"]').count(), 0);
  await page.goto(at('/register'));
  assert.match(await page.textContent('main'), new RegExp(TEXTS.errors.registration_closed));
});
