/** The account page: devices, password, data, and the session after its access token has expired. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { PASSWORD, SHORT, TEXTS, browser, enter, revealing, scenario, signIn, untilOver } from './support.js';

const EXPIRING = { settings: SHORT };
const NEW_PASSWORD = 'another harbour 77 lantern';

/** Opens a page in a new browser context, as another device would. */
async function elsewhere(t, options = {}) {
  const context = await (await browser()).newContext(options);
  t.after(() => context.close());
  return context.newPage();
}

const accept = (page) => page.on('dialog', (dialog) => dialog.accept());

const message = (page) => page.locator('.message.good').textContent();

const devices = (page) => page.locator('#devices li');

scenario('a device is signed out from another device, and must sign in at its next request', async ({ t, page, server }) => {
  const ada = await server.user();
  const phone = await elsewhere(t);
  await signIn(phone, server, ada);
  await signIn(page, server, ada);
  assert.equal(await devices(page).count(), 2);
  let asked = '';
  page.once('dialog', (dialog) => {
    asked = dialog.message();
    dialog.accept();
  });
  await page.locator('#devices li:not(.current) button').click();
  await page.waitForURL(/notice=/);
  assert.equal(asked, TEXTS.script.account['confirm-device'].replace('{device}', /Chrome \d+ on Linux/.exec(asked)?.[0]));
  assert.equal(await message(page), TEXTS.notices.device_signed_out);
  assert.equal(await devices(page).count(), 1);
  await phone.goto(`${server.url}/account`);
  await phone.locator('#login').waitFor();
});

scenario('a cancelled question signs no device out', async ({ t, page, server }) => {
  const ada = await server.user();
  await signIn(await elsewhere(t), server, ada);
  await signIn(page, server, ada);
  page.once('dialog', (dialog) => dialog.dismiss());
  await page.locator('#devices li:not(.current) button').click();
  await page.reload();
  assert.equal(await devices(page).count(), 2);
});

scenario('all other devices are signed out at once, and this device stays signed in', async ({ t, page, server }) => {
  const ada = await server.user();
  const others = [await elsewhere(t), await elsewhere(t)];
  for (const other of others) await signIn(other, server, ada);
  await signIn(page, server, ada);
  assert.equal(await devices(page).count(), 3);
  accept(page);
  await page.locator('#revoke-others button').click();
  await page.waitForURL(/notice=/);
  assert.equal(await message(page), TEXTS.notices.others_signed_out);
  assert.equal(await devices(page).count(), 1);
  for (const other of others) {
    await other.goto(`${server.url}/account`);
    await other.locator('#login').waitFor();
  }
});

scenario('signing out leads to the form, and going back displays no account', async ({ page, server }) => {
  const ada = await server.user();
  await signIn(page, server, ada);
  await page.locator('#sign-out button').click();
  await page.locator('#login').waitFor();
  assert.equal(await message(page), TEXTS.notices.signed_out);
  await page.goBack();
  await page.locator('#login').waitFor();
  assert.equal(await page.locator('#devices').count(), 0);
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
});

scenario('after a sign-out another tab opens the form too', async ({ page, server, context }) => {
  await signIn(page, server, await server.user());
  const other = await context.newPage();
  await other.goto(`${server.url}/account`);
  await page.locator('#sign-out button').click();
  await page.locator('#login').waitFor();
  await other.locator('#login').waitFor();
});

const TOKYO = { context: { timezoneId: 'Asia/Tokyo' } };

scenario('the last use is displayed as elapsed time, other times in the time zone of the browser', TOKYO, async ({ t, page, server }) => {
  const ada = await server.user();
  await signIn(await elsewhere(t), server, ada);
  await signIn(page, server, ada);
  assert.match(await devices(page).first().textContent(), new RegExp(TEXTS.account.active));
  const [last, signedIn] = await devices(page).nth(1).locator('time').all();
  assert.equal(await last.textContent(), 'now');
  const hour = (Number(/T(\d\d)/.exec(await signedIn.getAttribute('datetime'))[1]) + 9) % 12 || 12;
  assert.match(await signedIn.textContent(), new RegExp(`\\b${hour}:\\d\\d\\s(AM|PM)$`));
  for (const time of [last, signedIn]) {
    assert.match(await time.getAttribute('title'), /^\d+ \w+ \d{4}, \d\d:\d\d UTC$/);
  }
});

for (const [locale, pattern] of [['de-DE', /^\d+\. \w+ \d{4} um \d\d:\d\d$/], ['en-GB', /^\d+ \w+ \d{4} at \d\d:\d\d$/]]) {
  scenario(`a date is as a reader with the language ${locale} writes it`, { context: { locale } }, async ({ page, server }) => {
    await signIn(page, server, await server.user());
    const time = page.locator('.who time');
    assert.match(await time.textContent(), pattern);
    assert.equal(await time.getAttribute('lang'), locale);
  });
}

scenario('name and address are changed with the password, and an error is at its field', async ({ page, server, watch }) => {
  watch.tolerate(/40[19]/);
  const [ada, bob] = [await server.user(), await server.user()];
  await signIn(page, server, ada);
  const send = async (name, password) => {
    if (await page.locator('#username').isHidden()) await page.locator('summary', { hasText: TEXTS.account.names_open }).click();
    await page.fill('#username', name);
    await page.fill('#names_password', password);
    await page.locator('#change-names [type=submit]').click();
  };
  await send('countess', 'not the one');
  await page.locator('#names_password[aria-invalid]').waitFor();
  assert.equal(await page.inputValue('#username'), 'countess', 'what was typed is kept');
  assert.equal(new URL(page.url()).pathname, '/account', 'a reload finds the page');
  await send(bob.name, ada.password);
  await page.locator('#username-problem').waitFor();
  await page.click('#error a');
  assert.ok(await page.evaluate(() => document.activeElement.id === 'username'));
  const name = `countess-${ada.name}`;
  await send(name, ada.password);
  await page.waitForURL(/notice=/);
  assert.equal(await message(page), TEXTS.notices.names_changed);
  assert.equal(await page.textContent('.who strong'), name);
});

scenario('more than five devices are folded, and a new device is marked', async ({ page, server }) => {
  const ada = await server.user();
  const call = (device_name) => server.call('/auth/login', { username: ada.name, password: ada.password, device_name });
  for (const name of ['One', 'Two', 'Three', 'Four']) await call(name);
  await signIn(page, server, ada);
  assert.equal(await page.locator('#devices summary').count(), 0);
  // Times are whole seconds, and a device is new if it signed in later than the visit.
  await page.waitForTimeout(1_100);
  await call('Five');
  await page.reload();
  assert.equal(await page.locator('#devices li:visible').count(), 5);
  const marked = devices(page).filter({ hasText: TEXTS.account.new_device });
  assert.deepEqual(await marked.locator('h3 bdi').allTextContents(), ['Five']);
  await page.locator('#devices summary').click();
  assert.equal(await page.locator('#devices li:visible').count(), 6);
});

scenario('a person who was signed out is told why, once', async ({ t, page, server }) => {
  const ada = await server.user();
  await signIn(page, server, ada);
  const other = await elsewhere(t);
  await signIn(other, server, ada);
  accept(other);
  await other.locator('#revoke-others button').click();
  await other.waitForURL(/notice=/);
  await page.goto(`${server.url}/account`);
  assert.equal(await page.textContent('.message.info'), TEXTS.ended.revoked);
  await page.reload();
  assert.equal(await page.locator('.message.info').count(), 0);
});

scenario('a bound session that ended before its check is told why', EXPIRING, async ({ t, page, server, context, watch }) => {
  watch.tolerate(/401/);
  const ada = await server.user();
  await signIn(page, server, ada);
  await untilOver();
  const other = await elsewhere(t);
  await signIn(other, server, ada);
  accept(other);
  // The session ends after the page of the check was returned.
  await context.route('**/auth/refresh', async (route) => {
    await other.locator('#revoke-others button').click();
    await other.waitForURL(/notice=/);
    await route.continue();
  });
  await page.goto(`${server.url}/account`);
  await page.locator('.message.info').waitFor();
  assert.equal(await page.textContent('.message.info'), TEXTS.ended.revoked);
});

/** Makes the pages of a context draw otherwise and name another graphics card, as another machine does. */
function disguise() {
  HTMLCanvasElement.prototype.toDataURL = () => 'data:image/png;base64,b3RoZXI=';
  WebGLRenderingContext.prototype.getParameter = () => 'Another graphics card';
}

scenario('a browser that can not be recognised any more is told so, and its session lives on', EXPIRING, async ({ page, server, context, watch }) => {
  watch.tolerate(/401/);
  await signIn(page, server, await server.user());
  await untilOver();
  await context.addInitScript(disguise);
  await page.goto(`${server.url}/account`);
  await page.locator('#login').waitFor();
  assert.equal(await page.locator('.message').first().textContent(), TEXTS.notices.other_device);
});

scenario('while a session is checked the page offers nothing, and later a way on', EXPIRING, async ({ page, server, context, watch }) => {
  watch.tolerate(/ERR_FAILED/);
  await signIn(page, server, await server.user());
  await untilOver();
  let release;
  const held = new Promise((resolve) => (release = resolve));
  await context.route('**/auth/refresh', async (route) => {
    await held;
    await route.abort();
  });
  await page.goto(`${server.url}/account`);
  await page.locator('#status:visible').waitFor();
  assert.equal(await page.locator('#continue .actions > :visible').count(), 0);
  await page.locator('#continue a:visible').waitFor();
  release();
  await page.locator('#again:visible').waitFor();
  assert.ok((await page.title()).startsWith(TEXTS.error_prefix));
});

async function changePassword(page, current, next) {
  await page.fill('#current_password', current);
  await page.fill('#new_password', next);
  await page.locator('#change-password button[type=submit]').click();
}

scenario('a changed password keeps this device signed in and signs the other devices out', async ({ t, page, server, watch }) => {
  watch.tolerate(/401/);
  const ada = await server.user();
  const other = await elsewhere(t);
  await signIn(other, server, ada);
  await signIn(page, server, ada);
  await changePassword(page, ada.password, NEW_PASSWORD);
  await page.waitForURL(/notice=/);
  assert.equal(await message(page), TEXTS.notices.password_changed);
  assert.equal(await devices(page).count(), 1);
  assert.match(await devices(page).first().textContent(), new RegExp(TEXTS.account.bound));
  await other.goto(`${server.url}/account`);
  await other.locator('#login').waitFor();
  await enter(other, ada);
  await other.locator('#error:not([hidden])').waitFor();
  await signIn(other, server, { ...ada, password: NEW_PASSWORD });
});

scenario('a wrong current password is reported at its field', async ({ page, server, watch }) => {
  watch.tolerate(/40[13]|422/);
  await signIn(page, server, await server.user());
  await changePassword(page, 'not the one', NEW_PASSWORD);
  await page.locator('[aria-invalid=true]').waitFor();
  assert.equal(await page.locator('[aria-invalid=true]').getAttribute('id'), 'current_password');
  assert.equal(await page.inputValue('#current_password'), '');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'error');
  assert.ok(!(await page.textContent('main')).includes(TEXTS.errors.other), 'it says what is wrong');
});

scenario('the password fields have autocomplete values for password managers', async ({ page, server }) => {
  const ada = await server.user();
  await signIn(page, server, ada);
  const complete = await page.locator('#change-password input:not([type=hidden])').evaluateAll((inputs) =>
    inputs.map((input) => [input.autocomplete, input.value]),
  );
  assert.deepEqual(complete, [['username', ada.name], ['current-password', ''], ['new-password', '']]);
});

scenario('the passwords can be displayed, and Caps Lock is reported', async ({ page, server }) => {
  await signIn(page, server, await server.user());
  const form = page.locator('#change-password');
  for (const id of ['current_password', 'new_password']) await revealing(page, id).click();
  const types = form.locator('input[id$=_password]');
  assert.deepEqual(await types.evaluateAll((inputs) => inputs.map((input) => input.type)), ['text', 'text']);
  await page.locator('#new_password').evaluate((input) => {
    input.dispatchEvent(new KeyboardEvent('keydown', { key: 'A', modifierCapsLock: true }));
  });
  assert.equal(await form.locator('.caps').textContent(), TEXTS.script.account.caps);
  assert.equal(await page.locator('#delete-account .caps').textContent(), '');
});

scenario('the data is downloaded as one file', async ({ page, server }) => {
  const ada = await server.user();
  await signIn(page, server, ada);
  const downloaded = page.waitForEvent('download');
  await page.locator('#export').click();
  const download = await downloaded;
  assert.equal(download.suggestedFilename(), 'my-data.json');
  assert.match(await readFile(await download.path(), 'utf8'), new RegExp(ada.email));
});

scenario('an account is deleted with its password and a checked box', async ({ page, server, watch }) => {
  watch.tolerate(/401/);
  const ada = await server.user();
  await signIn(page, server, ada);
  accept(page);
  await page.locator('summary', { hasText: TEXTS.account.delete_open }).click();
  await page.fill('#delete-password', ada.password);
  await page.check('#confirm');
  await page.locator('#delete-account [type=submit]').click();
  await page.locator('#login').waitFor();
  assert.equal(await message(page), TEXTS.notices.account_deleted);
  await enter(page, ada);
  await page.locator('#error:not([hidden])').waitFor();
});

scenario('a person who comes back after the access token has expired is still signed in, bound as before', EXPIRING, async (tools) => {
  const { page, server, watch } = tools;
  await signIn(page, server, await server.user());
  await untilOver();
  await page.goto(`${server.url}/account`);
  await page.locator('#devices').waitFor();
  const paths = watch.requests.map((one) => new URL(one.url()).pathname);
  assert.ok(paths.includes('/auth/continue') && paths.includes('/auth/refresh'));
  assert.match(await devices(page).first().textContent(), new RegExp(TEXTS.account.bound));
});

scenario('the redirects of a refresh lead to the requested page, with its query', EXPIRING, async ({ page, server }) => {
  await signIn(page, server, await server.user());
  await untilOver();
  await page.goto(`${server.url}/account?notice=again#data-title`);
  await page.locator('#devices').waitFor();
  assert.ok(page.url().startsWith(`${server.url}/account?notice=again`), page.url());
});

scenario('copied cookies of a bound session lead another browser to the form', EXPIRING, async (tools) => {
  const { t, page, server, context } = tools;
  await signIn(page, server, await server.user());
  const thief = await elsewhere(t, {
    userAgent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:153.0) Gecko/20100101 Firefox/153.0',
  });
  await thief.context().addCookies(await context.cookies());
  await untilOver();
  await thief.goto(`${server.url}/account`);
  await thief.locator('#login').waitFor();
  assert.equal(await thief.locator('#devices').count(), 0);
  await page.goto(`${server.url}/account`);
  await page.locator('#devices').waitFor();
});

scenario('a form that was open while the access token expired can still be sent', EXPIRING, async ({ page, server, watch }) => {
  watch.tolerate(/401/);
  const ada = await server.user();
  await signIn(page, server, ada);
  await untilOver();
  await changePassword(page, PASSWORD, NEW_PASSWORD);
  await page.waitForURL(/notice=/);
  assert.equal(await message(page), TEXTS.notices.password_changed);
});

scenario('the download works after the access token has expired', EXPIRING, async ({ page, server, watch }) => {
  watch.tolerate(/401/);
  const ada = await server.user();
  await signIn(page, server, ada);
  await untilOver();
  const downloaded = page.waitForEvent('download');
  await page.locator('#export').click();
  assert.match(await readFile(await (await downloaded).path(), 'utf8'), new RegExp(ada.email));
});

scenario('an unreachable server is reported, and the check can be repeated', EXPIRING, async ({ page, server, context, watch }) => {
  watch.tolerate(/ERR_FAILED/);
  await signIn(page, server, await server.user());
  await untilOver();
  await context.route('**/auth/refresh', (route) => route.abort());
  await page.goto(`${server.url}/account`);
  await page.locator('#error:not([hidden])').waitFor();
  assert.equal(await page.textContent('#error p'), TEXTS.script.continue.unreachable);
  await context.unroute('**/auth/refresh');
  await page.click('#again');
  await page.locator('#devices').waitFor();
});

scenario('a person can sign out after the access token has expired', EXPIRING, async ({ page, server }) => {
  await signIn(page, server, await server.user());
  await untilOver();
  await page.locator('#sign-out button').click();
  await page.locator('#login').waitFor();
  await page.goto(`${server.url}/account`);
  await page.locator('#login').waitFor();
});
