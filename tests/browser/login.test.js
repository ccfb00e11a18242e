/** The page for signing in, as a person uses it. */

import assert from 'node:assert/strict';
import { PASSWORD, TEXTS, browser, enter, revealing, scenario, signIn, spyOnReading } from './support.js';

const WORDS = TEXTS.script.login;

const isFocused = (page, selector) => page.evaluate((id) => document.activeElement?.matches(id), selector);

async function error(page) {
  await page.locator('#error:not([hidden])').waitFor();
  return page.locator('#error p').textContent();
}

scenario('a person signs in and sees this device first, marked and bound', async ({ page, server }) => {
  const ada = await server.user();
  await signIn(page, server, ada);
  assert.match(await page.locator('main').textContent(), new RegExp(ada.name));
  const first = page.locator('#devices li').first();
  assert.match(await first.textContent(), new RegExp(TEXTS.account.this_device));
  assert.match(await first.textContent(), /Chrome \d+ on Linux/);
  assert.match(await first.textContent(), new RegExp(TEXTS.account.bound));
});

scenario('an email address can be used instead of a name', async ({ page, server }) => {
  const ada = await server.user();
  await signIn(page, server, { name: ada.email, password: PASSWORD });
});

scenario('the keyboard alone is enough', async ({ page, server }) => {
  const ada = await server.user();
  await page.goto(`${server.url}/login`);
  assert.ok(await isFocused(page, '#username'), 'the first field has the focus');
  await page.keyboard.type(ada.name);
  await page.keyboard.press('Tab');
  await page.keyboard.type('wrong');
  await page.keyboard.press('Tab');
  assert.ok(await isFocused(page, 'button[aria-controls=password]'));
  await page.keyboard.press('Space');
  assert.equal(await page.getAttribute('#password', 'type'), 'text');
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Control+A');
  await page.keyboard.type(ada.password);
  await page.keyboard.press('Enter');
  await page.waitForURL(`${server.url}/account`);
});

scenario('a wrong password and an unknown name get the same sentence, with the focus on it', async ({ page, server, watch }) => {
  watch.tolerate(/401/);
  const ada = await server.user();
  for (const name of [ada.name, 'nobody-of-this-name', 'nobody@example.com']) {
    await page.goto(`${server.url}/login`);
    await enter(page, { name, password: 'not the one' });
    assert.equal(await error(page), WORDS.wrong, name);
    assert.equal(await page.getAttribute('#error', 'role'), 'alert');
    assert.ok(await isFocused(page, '#error'));
    assert.equal(await page.inputValue('#username'), name, 'the name stays');
    assert.equal(await page.inputValue('#password'), '', 'the password goes');
    assert.equal(await page.getAttribute('#login', 'aria-busy'), 'false');
    assert.equal(await page.getAttribute('#submit', 'aria-disabled'), 'false');
    assert.ok((await page.title()).startsWith(`${TEXTS.error_prefix} ${TEXTS.login.title} `));
    const link = page.locator('#error a');
    assert.equal(await link.textContent(), WORDS.again);
    await page.keyboard.press('Tab');
    assert.ok(await isFocused(page, '#error a'), 'the next key leads to the field');
    await page.keyboard.press('Enter');
    assert.ok(await isFocused(page, '#password'));
  }
});

scenario('after a wrong password the right one signs in', async ({ page, server, watch }) => {
  watch.tolerate(/401/);
  const ada = await server.user();
  await page.goto(`${server.url}/login`);
  await enter(page, { ...ada, password: 'not the one' });
  await error(page);
  await page.locator('#password').pressSequentially(ada.password);
  await page.keyboard.press('Enter');
  await page.waitForURL(`${server.url}/account`);
});

const LIMITED = { settings: { login_failures_per_account: '2/15m' } };

scenario('after too many attempts the page says how long to wait, alike for known and unknown names', LIMITED, async (tools) => {
  const { page, server, watch } = tools;
  watch.tolerate(/401|429/);
  for (const name of [(await server.user()).name, 'nobody-of-this-name']) {
    await page.goto(`${server.url}/login`);
    let sentence = WORDS.wrong;
    for (let tries = 0; tries < 5 && sentence === WORDS.wrong; tries += 1) {
      await page.fill('#username', name);
      await page.fill('#password', 'not the one');
      await page.click('#submit');
      await page.locator('#login[aria-busy=false]').waitFor();
      sentence = await error(page);
    }
    const [before, after] = WORDS['too-many'].split('{wait}');
    assert.ok(sentence.startsWith(before) && sentence.endsWith(after), sentence);
    assert.match(sentence, /\b\d+ (seconds?|minutes?)\b/);
  }
});

scenario('the wait counts down, the button waits, and another name ends the wait', { settings: { login_failures_per_account: '1/3s' } }, async (tools) => {
  const { page, server, watch } = tools;
  watch.tolerate(/401|429/);
  const ada = await server.user();
  await page.goto(`${server.url}/login`);
  const limit = async () => {
    await page.fill('#username', ada.name);
    for (let tries = 0; tries < 4 && !(await page.locator('#error[data-wait]').count()); tries += 1) {
      await page.fill('#password', 'not the one');
      await page.click('#submit');
      await page.locator('#login[aria-busy=false]').waitFor();
    }
    assert.equal(await page.getAttribute('#submit', 'aria-disabled'), 'true');
  };
  await limit();
  const [before] = WORDS['too-many'].split('{wait}');
  const first = await page.textContent('#error p');
  assert.ok(first.startsWith(before));
  await page.waitForFunction((first) => document.querySelector('#error p').textContent !== first, first);
  assert.equal(await page.getAttribute('#error', 'aria-live'), 'off', 'a screen reader does not read each second');
  await page.locator('#error').waitFor({ state: 'hidden' });
  assert.equal(await page.getAttribute('#submit', 'aria-disabled'), 'false');
  assert.equal(await page.textContent('#status'), WORDS.now);
  assert.ok(!(await page.title()).startsWith(TEXTS.error_prefix));
  await limit();
  const posts = () => watch.requests.filter((one) => one.method() === 'POST').length;
  const sent = posts();
  await page.locator('#password').press('Enter');
  assert.equal(posts(), sent, 'nothing is sent during the wait');
  const bob = await server.user();
  await page.fill('#username', bob.name);
  assert.equal(await page.getAttribute('#submit', 'aria-disabled'), 'false');
  await page.fill('#password', bob.password);
  await page.keyboard.press('Enter');
  await page.waitForURL(`${server.url}/account`);
});

const REJECTING = { settings: { max_devices_per_user: '1', device_limit_policy: 'reject' } };

scenario('at the limit of devices one is signed out, and the new session is bound', REJECTING, async ({ page, server, watch }) => {
  watch.tolerate(/403/);
  const ada = await server.user();
  await server.call('/auth/login', { username: ada.name, password: ada.password, device_name: 'Lost phone' });
  await page.goto(`${server.url}/login?next=/account`);
  await enter(page, ada);
  await page.locator('.choices').waitFor();
  assert.equal(await page.textContent('.choices bdi'), 'Lost phone');
  assert.equal(await page.inputValue('#username'), ada.name);
  await page.check('.choices input');
  await page.locator('#password').pressSequentially(ada.password);
  await page.click('#submit');
  await page.waitForURL(`${server.url}/account`);
  assert.equal(await page.locator('#devices li').count(), 1);
  assert.match(await page.locator('#devices li').textContent(), new RegExp(TEXTS.account.bound));
});

scenario('at the limit of devices one is signed out also if a fingerprint is required', {
  settings: { ...REJECTING.settings, fingerprint_policy: 'require' },
}, async ({ t, page, server, watch }) => {
  watch.tolerate(/403/);
  const ada = await server.user();
  const lost = await (await browser()).newContext();
  t.after(() => lost.close());
  await signIn(await lost.newPage(), server, ada);
  await page.goto(`${server.url}/login`);
  await enter(page, ada);
  await page.check('.choices input');
  await page.locator('#password').pressSequentially(ada.password);
  await page.click('#submit');
  await page.waitForURL(`${server.url}/account`);
  assert.equal(await page.locator('#devices li').count(), 1);
});

scenario('the form reports that it is being sent, keeps its focus, and is sent only once', async ({ page, server, context, watch }) => {
  const ada = await server.user();
  let release;
  const held = new Promise((resolve) => (release = resolve));
  await context.route('**/auth/login', async (route) => {
    await held;
    await route.continue();
  });
  await page.goto(`${server.url}/login`);
  await enter(page, ada);
  await page.locator('#login[aria-busy=true]').waitFor();
  assert.equal(await page.getAttribute('#submit', 'aria-disabled'), 'true');
  assert.equal(await page.getAttribute('#submit', 'disabled'), null);
  assert.ok(await isFocused(page, '#submit'));
  assert.equal(await page.textContent('#status'), WORDS['signing-in']);
  await page.click('#submit', { force: true });
  await page.locator('#password').press('Enter');
  release();
  await page.waitForURL(`${server.url}/account`);
  assert.equal(watch.requests.filter((one) => one.method() === 'POST').length, 1);
});

scenario('Caps Lock is reported while it is on', async ({ page, at }) => {
  await page.goto(at('/login'));
  const press = (on) =>
    page.evaluate((modifierCapsLock) => {
      const event = new KeyboardEvent('keydown', { key: 'A', bubbles: true, modifierCapsLock });
      document.getElementById('password').dispatchEvent(event);
    }, on);
  assert.equal(await page.getAttribute('#caps', 'role'), 'status');
  await press(true);
  assert.equal(await page.textContent('#caps'), WORDS.caps);
  await press(false);
  assert.equal(await page.textContent('#caps'), '');
});

scenario('the password can be displayed, and is hidden again before it is sent', async ({ page, server, context, watch }) => {
  watch.tolerate(/ERR_FAILED/);
  await page.goto(`${server.url}/login`);
  await page.fill('#username', 'ada');
  await page.fill('#password', 'secret words');
  const button = revealing(page, 'password');
  const name = async () => (await button.innerText()).replace(/\s+/g, ' ').trim();
  assert.equal(await name(), 'Show password');
  const [field, inside] = [await page.locator('#password').boundingBox(), await button.boundingBox()];
  assert.ok(inside.x > field.x && inside.x + inside.width <= field.x + field.width && inside.y >= field.y, 'in the field');
  assert.ok(inside.width >= 44 && inside.height >= 43.9);
  await button.click();
  assert.equal(await page.getAttribute('#password', 'type'), 'text');
  assert.equal(await name(), 'Hide password');
  await context.route('**/auth/login', (route) => route.abort());
  await page.click('#submit');
  assert.equal(await page.getAttribute('#password', 'type'), 'password');
  assert.equal(await name(), 'Show password');
});

scenario('an unreachable server is reported, and the typed text is kept', async ({ page, server, context, watch }) => {
  watch.tolerate(/ERR_FAILED/);
  const ada = await server.user();
  await page.goto(`${server.url}/login`);
  await context.route('**/auth/login', (route) => route.abort());
  await enter(page, ada);
  assert.equal(await error(page), WORDS.unreachable);
  assert.equal(await page.inputValue('#password'), ada.password);
  await context.unroute('**/auth/login');
  await page.click('#submit');
  await page.waitForURL(`${server.url}/account`);
});

scenario('a script that does not load leaves the plain form, which signs in', async ({ page, server, context, watch }) => {
  watch.tolerate(/ERR_FAILED/);
  const ada = await server.user();
  await context.route('**/client.js', (route) => route.abort());
  await signIn(page, server, ada);
  assert.match(await page.locator('#devices li').first().textContent(), new RegExp(TEXTS.account.unbound));
});

scenario('a fingerprint module that does not load does not prevent signing in', async ({ page, server, context, watch }) => {
  watch.tolerate(/ERR_FAILED/);
  await context.route('**/fingerprint.js', (route) => route.abort());
  await signIn(page, server, await server.user());
});

scenario('a browser that keeps no cookies displays the reason, instead of the form again', async ({ page, server, context }) => {
  // The response of the server, without its cookies.
  await context.route('**/auth/login', async (route) => {
    const { body } = await server.call('/auth/login', route.request().postDataJSON());
    await route.fulfill({ json: body });
  });
  await page.goto(`${server.url}/login`);
  await enter(page, await server.user());
  assert.equal(await error(page), WORDS.cookies);
});

scenario('the fields have the attributes that password managers read', async ({ page, at }) => {
  await page.goto(at('/login'));
  const form = await page.locator('#login').evaluate((form) => ({ method: form.method, action: form.getAttribute('action') }));
  assert.deepEqual(form, { method: 'post', action: '/login' });
  const field = (id) =>
    page.locator(id).evaluate((input) => ({
      name: input.name,
      type: input.type,
      complete: input.autocomplete,
      label: input.labels[0]?.textContent.trim(),
      capital: input.autocapitalize,
      spell: input.spellcheck,
    }));
  const name = await field('#username');
  assert.deepEqual([name.name, name.type, name.label], ['username', 'text', TEXTS.fields.either]);
  assert.match(name.complete, /^username\b/);
  assert.deepEqual([name.capital, name.spell], ['none', false]);
  const password = await field('#password');
  assert.deepEqual([password.name, password.type, password.label], ['password', 'password', TEXTS.fields.password]);
  assert.match(password.complete, /^current-password\b/);
  await page.locator('#password').evaluate((input) => {
    const data = new DataTransfer();
    data.setData('text/plain', 'pasted');
    const paste = new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true });
    if (!input.dispatchEvent(paste)) throw new Error('paste is prevented');
  });
});

scenario('no property of the browser is read at load, only after a person has typed', async ({ page, server, context, watch }) => {
  await spyOnReading(context);
  await page.goto(`${server.url}/login`, { waitUntil: 'networkidle' });
  assert.deepEqual(await page.evaluate(() => globalThis.read), []);
  assert.deepEqual(watch.requests.filter((one) => /fingerprint|client/.test(one.url())), []);
  await page.locator('#username').pressSequentially('a');
  await page.waitForFunction(() => globalThis.read.includes('toDataURL'));
  assert.equal(watch.requests.filter((one) => one.url().endsWith('/fingerprint.js')).length, 1);
});

scenario('a password manager that fills in the form does not count as typing', async ({ page, server, context, watch }) => {
  await spyOnReading(context);
  // The page itself sends the event, because the browser counts the input of a test as the input of a person.
  await context.addInitScript(() => {
    addEventListener('load', () => {
      const input = document.getElementById('username');
      input.value = 'ada';
      input.dispatchEvent(new InputEvent('input', { bubbles: true }));
      input.dataset.filled = 'yes';
    });
  });
  await page.goto(`${server.url}/login`);
  await page.locator('#username[data-filled]').waitFor();
  await page.waitForTimeout(500);
  assert.deepEqual(watch.requests.filter((one) => /fingerprint|client/.test(one.url())), []);
});

const OFF = { settings: { fingerprint_policy: 'off' } };

scenario('with fingerprint_policy = "off" nothing is read, and signing in works', OFF, async (tools) => {
  const { page, server, context, watch } = tools;
  await spyOnReading(context);
  let read;
  await context.route('**/auth/login', async (route) => {
    read = await page.evaluate(() => globalThis.read);
    await route.continue();
  });
  await signIn(page, server, await server.user());
  assert.deepEqual(read, []);
  assert.deepEqual(await page.evaluate(() => globalThis.read), []);
  assert.deepEqual(watch.requests.filter((one) => one.url().endsWith('/fingerprint.js')), []);
});

scenario('no token can be read by a script after signing in', async ({ page, server, context }) => {
  const ada = await server.user();
  await signIn(page, server, ada);
  const cookies = await context.cookies();
  const secrets = cookies.filter((cookie) => cookie.httpOnly).map((cookie) => cookie.value);
  assert.ok(secrets.length >= 3, `${cookies.map((cookie) => cookie.name)}`);
  const readable = await page.evaluate(async () => {
    const globals = Object.getOwnPropertyNames(globalThis).map((name) => {
      try {
        return JSON.stringify(globalThis[name]);
      } catch {
        return '';
      }
    });
    return JSON.stringify([
      document.cookie, { ...localStorage }, { ...sessionStorage }, await indexedDB.databases(), await caches.keys(),
      document.documentElement.outerHTML, history.state, globalThis.name, location.href, globals,
    ]);
  });
  for (const secret of secrets) assert.ok(!readable.includes(secret));
  assert.ok(!/eyJ[\w-]+\.[\w-]+\./.test(readable), 'nothing looks like a JWT');
  assert.equal(await page.evaluate(() => localStorage.length + sessionStorage.length), 0);
});

scenario('a person who is signed in already is redirected at once', async ({ page, server }) => {
  await signIn(page, server, await server.user());
  await page.goto(`${server.url}/login?next=/privacy`);
  assert.equal(page.url(), `${server.url}/privacy`);
});

scenario('after a sign-in another tab with the form opens its page too', async ({ page, server, context }) => {
  const other = await context.newPage();
  await other.goto(`${server.url}/login?next=/privacy`);
  await signIn(page, server, await server.user());
  await other.waitForURL(`${server.url}/privacy`);
});

scenario('with consent asked, nothing is read unless the box is ticked', { settings: { fingerprint_consent: 'ask' } }, async ({ page, server, context, watch }) => {
  await spyOnReading(context);
  let read;
  await context.route('**/auth/login', async (route) => {
    read = await page.evaluate(() => globalThis.read);
    await route.continue();
  });
  const ada = await server.user();
  const sent = () => watch.requests.filter((one) => one.url().endsWith('/auth/login')).map((one) => JSON.parse(one.postData()));
  const reads = () => watch.requests.filter((one) => one.url().endsWith('/fingerprint.js')).length;
  await page.goto(`${server.url}/login`);
  assert.equal(await page.isChecked('#bind'), false);
  assert.match(await page.textContent('#consent'), new RegExp(TEXTS.login.bind));
  await enter(page, ada);
  await page.waitForURL(`${server.url}/account`);
  assert.equal(reads(), 0, 'the module that reads is not even loaded');
  assert.deepEqual(read, [], 'no canvas and no property is read');
  await context.unroute('**/auth/login');
  assert.equal(sent()[0].fingerprint, undefined);
  assert.match(await page.locator('#devices li').first().textContent(), new RegExp(TEXTS.account.unbound));

  await page.click('#sign-out button');
  await page.waitForURL(/\/login/);
  await page.check('#bind');
  await enter(page, ada);
  await page.waitForURL(`${server.url}/account`);
  assert.equal(typeof sent()[1].fingerprint.os, 'string');
  assert.match(await page.locator('#devices li').first().textContent(), new RegExp(TEXTS.account.bound));
});
