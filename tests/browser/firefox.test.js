/**
 * The same pages in Firefox ESR: the actions of a person, and the fingerprint.
 *
 * Debian's build is controlled through WebDriver BiDi. BiDi does not yet support everything that the tests in Chromium use.
 */

import assert from 'node:assert/strict';
import { SHORT, TEXTS, enter, module, otherSite, scenario, signIn, untilOver } from './support.js';

const FIREFOX = { browser: 'firefox', context: { colorScheme: null, reducedMotion: null, forcedColors: null, contrast: null } };
const EXPIRING = { ...FIREFOX, settings: SHORT };

scenario('Firefox: a person signs in, bound to the browser, and signs out', FIREFOX, async ({ page, server }) => {
  await signIn(page, server, await server.user());
  const device = await page.locator('#devices li').first().textContent();
  assert.match(device, /Firefox \d+ on Linux/);
  assert.match(device, new RegExp(TEXTS.account.bound));
  await page.locator('#sign-out button').click();
  await page.locator('#login').waitFor();
});

scenario('Firefox: a wrong password is reported, and the right password signs in', FIREFOX, async ({ page, server }) => {
  const ada = await server.user();
  await page.goto(`${server.url}/login`);
  await enter(page, { ...ada, password: 'not the one' });
  await page.locator('#error:not([hidden])').waitFor();
  assert.equal(await page.textContent('#error p'), TEXTS.script.login.wrong);
  await page.locator('#password').pressSequentially(ada.password);
  await page.keyboard.press('Enter');
  await page.waitForURL(`${server.url}/account`);
});

scenario('Firefox: a person who comes back after the access token has expired is still signed in', EXPIRING, async ({ page, server }) => {
  await signIn(page, server, await server.user());
  await untilOver();
  await page.goto(`${server.url}/account`);
  await page.locator('#devices').waitFor();
});

scenario('Firefox: after a sign-out another tab opens the form too', FIREFOX, async ({ page, server, context }) => {
  await signIn(page, server, await server.user());
  const other = await context.newPage();
  await other.goto(`${server.url}/account`);
  await page.locator('#sign-out button').click();
  await page.locator('#login').waitFor();
  await other.locator('#login').waitFor();
});

scenario('Firefox: an account is created', FIREFOX, async ({ page, server }) => {
  await page.goto(`${server.url}/register`);
  await page.locator('#username').pressSequentially('lamarr');
  await page.locator('#password').pressSequentially('quiet harbour lantern 42');
  await page.click('#submit');
  await page.waitForURL(`${server.url}/account`);
});

const IMPORTER = (address) => `<script type="module" nonce="n">
  import { collect } from '${address}';
  const began = performance.now();
  globalThis.print = await collect();
  globalThis.took = performance.now() - began;
</script>`;

scenario('Firefox: the fingerprint is the same at the next load, and names system and browser', FIREFOX, async ({ t, page, server }) => {
  const site = await otherSite(t, { script: IMPORTER(`${server.url}/static/fingerprint.js`) });
  const prints = [];
  for (let load = 0; load < 2; load += 1) {
    await page.goto(`${site}/app`);
    await page.waitForFunction(() => globalThis.print);
    prints.push(await page.evaluate(() => globalThis.print));
    t.diagnostic(`fingerprint in Firefox: ${Math.round(await page.evaluate(() => globalThis.took))} ms`);
  }
  assert.deepEqual(prints[1], prints[0]);
  const [{ os, browser, cpu, deviceMemory, canvasPrint }] = prints;
  assert.deepEqual([os, browser, cpu, deviceMemory], ['Linux', 'Firefox', 'amd64', 'unknown']);
  assert.match(canvasPrint, /^[0-9a-f]{16}$/);
});

scenario('Firefox: axe finds nothing on the page for signing in and on the account', FIREFOX, async ({ page, server }) => {
  const violations = async () => {
    await page.evaluate(module('axe-core/axe.min.js'));
    return page.evaluate(async () => (await globalThis.axe.run()).violations.map(({ id, nodes }) => `${id} ${nodes[0].html}`));
  };
  await page.goto(`${server.url}/login`);
  assert.deepEqual(await violations(), []);
  await signIn(page, server, await server.user());
  assert.deepEqual(await violations(), []);
});
