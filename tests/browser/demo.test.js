/**
 * The demonstration at `/demo`, from the first button to the last, and each of its screens. The commands of the thief are run by a
 * shell, as somebody in front of an audience runs them.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { onEveryScreen } from './screens.js';
import { scenario } from './support.js';

/** A grace of two seconds, so that a test need not wait for thirty. */
const SETTINGS = { refresh_reuse_grace: '2s' };

/** Guesses, presses the button of a step, and waits until the step has shown its answer. */
async function step(page, id, guess = 2) {
  await page.locator(`#${id} .guess label`).nth(guess - 1).click();
  await page.locator(`#${id} .go`).click();
  await page.locator(`#${id} > .answer:not([hidden])`).waitFor();
}

/** Goes through the demonstration up to and including a step. */
async function until(page, server, last) {
  await page.goto(`${server.url}/demo`);
  for (const id of ['read', 'store', 'refresh', 'change', 'steal', 'copy']) {
    await step(page, id);
    if (id === last) return;
  }
}

/** Runs a command that the page shows. Returns what the command printed. */
async function shell(page, id) {
  const { status, stdout, stderr } = spawnSync('bash', ['-c', await page.locator(`#${id}`).textContent()], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

scenario('nothing of the browser is read before its button is pressed', { settings: SETTINGS }, async ({ page, server, watch }) => {
  await page.addInitScript(() => {
    globalThis.touched = [];
    for (const [name, member] of [['HTMLCanvasElement', 'getContext'], ['HTMLCanvasElement', 'toDataURL']]) {
      const { prototype } = globalThis[name];
      const original = prototype[member];
      prototype[member] = function spied(...values) {
        globalThis.touched.push(member);
        return original.apply(this, values);
      };
    }
  });
  await page.goto(`${server.url}/demo`);
  await page.locator('#read .go').waitFor();
  assert.deepEqual(await page.evaluate(() => globalThis.touched), []);
  assert.equal(watch.requests.some((one) => one.url().includes('fingerprint.js')), false);
  for (const id of ['store', 'refresh', 'change', 'steal', 'copy', 'catch', 'end']) assert.equal(await page.isVisible(`#${id}`), false, id);
  await step(page, 'read');
  assert.notDeepEqual(await page.evaluate(() => globalThis.touched), []);
  assert.equal(await page.locator('#components tr').count(), 17);
  assert.match(await page.textContent('#read .told'), /That is right/);
});

for (const browser of ['chromium', 'firefox']) {
  const context = browser === 'firefox' ? { colorScheme: null, reducedMotion: null, forcedColors: null, contrast: null } : {};
  scenario(`${browser}: the whole demonstration, with the commands in a shell`, { browser, context, settings: SETTINGS }, async (tools) => {
    const { page, server, watch } = tools;
    watch.tolerate(/401/);
    await until(page, server, 'change');
    assert.match(await page.textContent('#bound'), /is now bound/);
    const codes = await page.locator('#codes tr').evaluateAll((rows) => rows.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent)));
    assert.ok(codes.length >= 5 && codes.every(([ada, bob]) => ada !== bob), JSON.stringify(codes));
    assert.match(await page.textContent('#refresh-exchange'), /"gen": 2/);
    assert.doesNotMatch(await page.textContent('#login-exchange'), /[a-f0-9]{32}"/, 'no password is shown');

    await page.locator('#score', { hasText: '1.00, match' }).waitFor();
    const refused = await shell(page, 'first-command');
    assert.equal(refused.error, 'device_mismatch');
    await page.locator('#steal > .answer:not([hidden])').waitFor();
    await page.locator('#timeline', { hasText: 'another fingerprint was refused (score 0.00' }).waitFor();
    assert.match(await page.textContent('#refused'), /attempt 1 of 3/);

    const loot = await shell(page, 'second-command');
    assert.ok(loot.access_token, JSON.stringify(loot));
    await page.locator('#copy > .answer:not([hidden])').waitFor();
    await page.locator('#timeline', { hasText: 'generation 3, by curl' }).waitFor();

    // Within the grace the old token is answered once more, and the page says that it is too early.
    await page.locator('#catch .go').click();
    await page.locator('#catch .early:not([hidden]), #catch > .answer:not([hidden])').first().waitFor();
    await page.locator('#countdown', { hasText: 'The time is over.' }).waitFor();
    if (await page.locator('#catch > .answer').isHidden()) await step(page, 'catch');
    assert.match(await page.textContent('#catch-exchange'), /401[^]*refresh_reused/);
    assert.match(await page.textContent('#thief-exchange'), /401[^]*token_revoked/);
    await page.locator('#timeline', { hasText: 'The session has ended (refresh_reused)' }).waitFor();
    assert.equal(await page.isVisible('#end'), true);
  });
}

scenario('each switch and each pair of switches gets the verdict that a real refresh gets', { settings: SETTINGS }, async (tools) => {
  const { page, server, watch } = tools;
  watch.tolerate(/401/);
  await until(page, server, 'change');
  const words = await page.locator('[name=switch]').evaluateAll((inputs) => inputs.map((input) => input.value));
  assert.equal(words.length, 6);
  const sets = words.flatMap((word, at) => [[word], ...words.slice(at + 1).map((other) => [word, other])]);
  for (const on of sets) {
    for (const word of words) await page.locator(`[value=${word}]`).setChecked(on.includes(word));
    await page.locator('#try').evaluate((button) => delete button.dataset.status);
    await page.click('#try');
    await page.locator('#try[data-status]').waitFor();
    const [status, verdict] = [await page.getAttribute('#try', 'data-status'), await page.getAttribute('#verdict', 'data-verdict')];
    assert.equal(status, verdict === 'mismatch' ? '401' : '200', `${on}: ${verdict}`);
  }
});

scenario('a click in the middle of a switch turns this switch', { settings: SETTINGS }, async ({ page, server }) => {
  await until(page, server, 'change');
  for (const label of await page.locator('#switches label').all()) {
    const input = label.locator('input');
    await label.click();
    assert.equal(await input.isChecked(), true);
    await label.click();
    assert.equal(await input.isChecked(), false);
  }
});

scenario('under a policy that refuses nobody, the page says so and has no steps', { settings: { fingerprint_policy: 'log' } }, async ({ page, server }) => {
  await page.goto(`${server.url}/demo`);
  await page.locator('.message', { hasText: 'refuses nobody because of a fingerprint' }).waitFor();
  assert.equal(await page.locator('.step').count(), 0);
});

scenario('a refusal of the server is shown, and the step can be tried again', { settings: SETTINGS }, async ({ page, server, watch }) => {
  watch.tolerate(/503/);
  await until(page, server, 'read');
  await server.call('/dev/next', { status: 503, path: '/auth/login' });
  await page.locator('#store .go').click();
  await page.locator('#error', { hasText: 'planned at /dev/next' }).waitFor();
  await step(page, 'store');
});

const AT = { opened: null, read: 'read', stored: 'store', changed: 'change', caught: 'copy' };
onEveryScreen(
  Object.fromEntries(
    Object.entries(AT).map(([name, last]) => [
      `demo-${name}`,
      async ({ page, server }) => {
        if (last) await until(page, server, last);
        else await page.goto(`${server.url}/demo`);
        if (last === 'change') await page.locator('[value=resist_fingerprinting]').check();
        await page.waitForTimeout(600);
      },
    ]),
  ),
  Object.fromEntries(Object.keys(AT).map((name) => [`demo-${name}`, SETTINGS])),
);
