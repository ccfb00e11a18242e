/** Every state of a page on every screen: accessible, and not wider than the screen. */

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { HERE, module, scenario } from './support.js';

const SCREENSHOTS = join(HERE, 'screenshots');
mkdirSync(SCREENSHOTS, { recursive: true });

/** Chromium's refusal of a screenshot that it takes a moment later. */
const TRANSIENT = /Unable to capture screenshot/;

/**
 * Takes a screenshot of the whole page. If Chromium refuses it, asks again after a moment, up to four times.
 * @param {import('playwright-core').Page} page
 * @param {string} name of the file in `screenshots/`, without extension
 */
export async function capture(page, name) {
  for (let refusals = 0; ; refusals += 1) {
    try {
      return await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
    } catch (error) {
      if (refusals === 4 || !TRANSIENT.test(error.message)) throw error;
      await page.waitForTimeout(500);
    }
  }
}

const AXE = module('axe-core/axe.min.js');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa', 'best-practice'];

const SCREENS = [
  ['light', { width: 1280, height: 800 }],
  ['dark', { width: 1280, height: 800 }],
  ['light', { width: 320, height: 640 }],
  ['dark', { width: 320, height: 640 }],
];

async function violations(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate((values) => globalThis.axe.run({ runOnly: { type: 'tag', values } }), RULES);
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join(' | ')}`);
}

/** Returns by how many pixels a page is wider than the screen. */
const over = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/**
 * Defines a test for each state on each screen, which takes a screenshot.
 * @param {Record<string, Function>} states functions that open a page and bring it into the state, by the name of the state
 * @param {Record<string, Record<string, string>>} [settings] of states that need a server of their own
 */
export function onEveryScreen(states, settings = {}) {
  for (const [state, go] of Object.entries(states)) {
    for (const [colorScheme, viewport] of SCREENS) {
      const name = `${state}, ${colorScheme}, ${viewport.width} px`;
      // The Content-Security-Policy would also block axe. All other tests check that the pages obey the policy.
      const context = { viewport, colorScheme, bypassCSP: true };
      const options = { context, settings: settings[state] };
      scenario(`${name}: accessible, and not wider than the screen`, options, async (tools) => {
        const { page, watch } = tools;
        watch.tolerate(/40[134]|409|422|429|ERR_FAILED/);
        await go(tools);
        await capture(page, `${state}-${colorScheme}-${viewport.width}`);
        assert.deepEqual(await violations(page), []);
        assert.equal(await over(page), 0);
        if (viewport.width !== 320) return;
        // A phone of today, by the same page: a second scenario would cost as much time as the first.
        await page.setViewportSize({ width: 390, height: 844 });
        await capture(page, `${state}-${colorScheme}-390`);
        assert.equal(await over(page), 0, 'at 390 px');
      });
    }
  }
}
