/** Helpers of the tests of the front-end kit: one test in several browsers, for several clients, in several tabs. */

import { Front } from './front.js';
import { PASSWORD, scenario } from './support.js';

export const REFRESH = 'POST /auth/refresh';

/** The clients that are tried: each transport, and each place of tokens. */
export const KINDS = {
  cookies: { transport: 'cookie' },
  'tokens in memory': { transport: 'bearer' },
  'tokens of the tab': { transport: 'bearer', persist: 'tab' },
  'tokens of the device': { transport: 'bearer', persist: 'device' },
};

/** The browsers, with the clients that are tried in each. Firefox is controlled through WebDriver BiDi, which has fewer options. */
const BROWSERS = {
  Chromium: { kinds: Object.keys(KINDS) },
  Firefox: {
    kinds: ['cookies', 'tokens in memory'],
    browser: 'firefox',
    context: { colorScheme: null, reducedMotion: null, forcedColors: null, contrast: null },
  },
};

/**
 * Defines a test in each browser, with its own proxy (`Front`).
 * @param {string} name
 * @param {{ settings?: object, kinds?: string[], client?: object | Function }} options `client` has more options of the client,
 *   or returns them
 * @param {(tools: object) => Promise<void>} run with the tools of `scenario`, and `front`
 */
export function everywhere(name, { settings, kinds = Object.keys(KINDS), client = {} }, run) {
  for (const [browser, { kinds: ofBrowser, ...driver }] of Object.entries(BROWSERS)) {
    for (const kind of kinds.filter((kind) => ofBrowser.includes(kind))) {
      scenario(`${browser}, ${kind}: ${name}`, { ...driver, settings }, async (tools) => {
        const own = client instanceof Function ? await client(tools) : client;
        const front = await Front.start(tools.t, tools.server, { ...KINDS[kind], ...own });
        tools.watch.allow(front.url);
        await run({ ...tools, front, kind });
      });
    }
  }
}

export const login = (tab, user) =>
  tab.evaluate(([username, password]) => globalThis.auth.login({ username, password }), [user.name, user.password ?? PASSWORD]);

export const me = (tab) => tab.evaluate(async () => (await globalThis.auth.fetch('/users/me')).status);

/** Returns the state of the client in a tab, without undefined fields. */
export const state = async (tab) => JSON.parse(await tab.evaluate(() => JSON.stringify(globalThis.auth.state)));

export const heard = (tab) => tab.evaluate(() => globalThis.heard);

/** Follows the state and the events in a tab. Returns the state as soon as it is known. */
export const follow = async (tab) => JSON.parse(await tab.evaluate(async () => JSON.stringify(await globalThis.follow())));

/** Waits until the state of the client in a tab has a status. */
export const until = (tab, status) => tab.waitForFunction((status) => globalThis.auth.state.status === status, status, { timeout: 15_000 });

/** Opens tabs that follow the session, of which the first has signed a new user in. */
export async function tabs({ context, server, front }, count) {
  const user = await server.user();
  const all = [];
  for (let index = 0; index < count; index += 1) all.push(await front.open(await context.newPage()));
  for (const tab of all) await follow(tab);
  await login(all[0], user);
  await Promise.all(all.map((tab) => until(tab, 'signed-in')));
  return { all, user };
}

/** Moves the clock of a page forward, as after a sleep, and shows the page again. */
export const sleep = (tab, milliseconds) =>
  tab.evaluate((milliseconds) => {
    const { now } = Date;
    Date.now = () => now.call(Date) + milliseconds;
    document.dispatchEvent(new Event('visibilitychange'));
  }, milliseconds);
