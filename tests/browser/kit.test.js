/**
 * The front-end kit, `static/client.js`: how a session continues in several tabs, after lost responses, sleep and network failures,
 * and how its end is noticed. Each test is run in Chromium and in Firefox.
 */

import assert from 'node:assert/strict';
import { REFRESH, everywhere, follow, heard, login, me, sleep, state, tabs, until } from './kit.js';
import { SHORT, untilOver } from './support.js';

everywhere('all tabs adopt a sign-in, and a new tab finds it', {}, async ({ context, front, ...tools }) => {
  const { all, user } = await tabs({ context, front, ...tools }, 2);
  const late = await front.open(await context.newPage());
  assert.equal((await follow(late)).status, 'signed-in');
  for (const tab of [...all, late]) {
    assert.equal((await state(tab)).user.username, user.name);
    assert.equal(await me(tab), 200);
  }
  assert.deepEqual(await Promise.all([...all, late].map(heard)), [['signed-in'], ['signed-in'], []]);
  const sessions = await late.evaluate(() => globalThis.auth.sessions());
  assert.equal(sessions.length, 1);
});

everywhere('two tabs that refresh at once send one request', {}, async ({ front, ...tools }) => {
  const { all } = await tabs({ front, ...tools }, 2);
  front.slow(REFRESH);
  for (let round = 1; round <= 3; round += 1) {
    await Promise.all(all.map((tab) => tab.evaluate(() => globalThis.auth.refresh())));
    assert.equal(front.count(REFRESH), round);
  }
  for (const tab of all) {
    assert.equal(await me(tab), 200);
    assert.deepEqual(await heard(tab), ['signed-in', 'refreshed', 'refreshed', 'refreshed']);
  }
});

everywhere('after a lost answer the session goes on', {}, async ({ front, watch, ...tools }) => {
  watch.tolerate(/ERR_EMPTY_RESPONSE/);
  const { all: [tab] } = await tabs({ front, ...tools }, 1);
  front.loses = { path: '/auth/refresh', count: 1 };
  await tab.evaluate(() => globalThis.auth.refresh());
  assert.equal(front.count(REFRESH), 2);
  assert.equal(await me(tab), 200);
  await tab.evaluate(() => globalThis.auth.refresh());
  assert.deepEqual([await me(tab), (await state(tab)).status], [200, 'signed-in']);
});

everywhere('a sign-out is told to three tabs, once', {}, async ({ front, ...tools }) => {
  const { all } = await tabs({ front, ...tools }, 3);
  await all[1].evaluate(() => globalThis.auth.logout());
  for (const tab of all) {
    await until(tab, 'signed-out');
    assert.deepEqual(await heard(tab), ['signed-in', 'signed-out: logged_out']);
    assert.equal(await tab.evaluate(() => globalThis.auth.accessToken()), null);
  }
  const fresh = await front.open(await tools.context.newPage());
  assert.equal((await follow(fresh)).status, 'signed-out');
});

everywhere('the end of a session is told to all tabs, once, with its reason', {}, async ({ front, server, watch, ...tools }) => {
  watch.tolerate(/401/);
  const { all, user } = await tabs({ front, server, ...tools }, 3);
  server.command(['user', 'disable', user.name]);
  assert.equal(await me(all[0]), 401);
  for (const tab of all) {
    await until(tab, 'signed-out');
    assert.deepEqual(await heard(tab), ['signed-in', 'expired: disabled', 'signed-out: disabled']);
  }
  const before = front.arrived.length;
  assert.equal(await me(all[0]), 401);
  assert.equal(front.arrived.length, before + 1, 'no refresh for a session that is known to have ended');
});

everywhere('ten calls with a token that was refused cause one refresh', {}, async ({ front, server, watch, ...tools }) => {
  watch.tolerate(/401/);
  const { all: [tab], user } = await tabs({ front, server, ...tools }, 1);
  server.command(['user', 'set', user.name, '--permission', 'notes:write', '--permission', 'notes:read']);
  // A permission is taken away, so the token is refused ahead of its time.
  server.command(['user', 'set', user.name, '--no-permission', 'notes:write']);
  const calls = () => tab.evaluate(() =>
    Promise.all(Array.from({ length: 10 }, async () => (await globalThis.auth.fetch('/users/me')).status)));
  assert.deepEqual(await calls(), Array(10).fill(200));
  assert.equal(front.count(REFRESH), 1);
  assert.deepEqual((await state(tab)).user.permissions, ['notes:read'], 'the page shows what the user may do now');
});

everywhere('ten calls after the token has expired cause one refresh, and no 401', { settings: SHORT }, async ({ front, ...tools }) => {
  const user = await tools.server.user();
  const tab = await front.open(tools.page);
  await login(tab, user);
  await untilOver();
  const calls = () => tab.evaluate(() =>
    Promise.all(Array.from({ length: 10 }, async () => (await globalThis.auth.fetch('/users/me')).status)));
  assert.deepEqual(await calls(), Array(10).fill(200));
  assert.equal(front.count(REFRESH), 1);
});

everywhere('a token is refreshed ahead of its expiry, in one of two tabs', { settings: SHORT }, async ({ front, ...tools }) => {
  const began = Date.now();
  const { all } = await tabs({ front, ...tools }, 2);
  await untilOver();
  const count = front.count(REFRESH);
  const seconds = (Date.now() - began) / 1_000;
  // A token of 3 seconds is refreshed after 2.4 seconds.
  assert.ok(count >= 1 && count <= seconds / 2.4, `${count} refreshes in ${seconds} seconds`);
  for (const tab of all) assert.equal(await me(tab), 200);
});

everywhere('after a sleep over the expiry one of two tabs refreshes', {}, async ({ front, ...tools }) => {
  const { all } = await tabs({ front, ...tools }, 2);
  front.slow(REFRESH);
  await Promise.all(all.map((tab) => sleep(tab, 1_200_000)));
  for (const tab of all) await tab.waitForFunction(() => globalThis.heard.includes('refreshed'), undefined, { timeout: 15_000 });
  assert.equal(front.count(REFRESH), 1);
  for (const tab of all) assert.equal(await me(tab), 200);
});

everywhere('without a network nobody is signed out, and afterwards everything goes on', {}, async ({ front, watch, ...tools }) => {
  watch.tolerate(/ERR_|NetworkError/);
  const { all: [tab] } = await tabs({ front, ...tools }, 1);
  front.isDown = true;
  const problem = await tab.evaluate(() => globalThis.problem(globalThis.auth.fetch('/users/me')));
  assert.deepEqual([problem.name, problem.ours], ['TypeError', false], 'as fetch');
  await sleep(tab, 1_200_000);
  const refused = await tab.evaluate(() => globalThis.problem(globalThis.auth.refresh()));
  assert.deepEqual([refused.ours, refused.code, refused.status], [true, 'unreachable', 0]);
  const signedOut = await tab.evaluate(() => globalThis.problem(globalThis.auth.logout()));
  assert.equal(signedOut.code, 'unreachable');
  assert.equal((await state(tab)).status, 'signed-in');
  front.isDown = false;
  await tab.evaluate(() => dispatchEvent(new Event('online')));
  await tab.waitForFunction(() => globalThis.heard.includes('refreshed'), undefined, { timeout: 15_000 });
  assert.equal(await me(tab), 200);
  assert.deepEqual(await heard(tab), ['signed-in', 'refreshed']);
});

everywhere('after the keys were replaced and retired the session goes on', {}, async ({ front, server, watch, ...tools }) => {
  watch.tolerate(/401/);
  const { all } = await tabs({ front, server, ...tools }, 2);
  const [old] = /^\S+(?=.*current)/m.exec(server.command(['keys', 'list']));
  server.command(['keys', 'rotate', '--now']);
  server.command(['keys', 'retire', old]);
  // The server reads its keys again within seconds.
  for (const tab of all) {
    await tab.waitForFunction(async () => (await globalThis.auth.fetch('/users/me')).status === 200);
    assert.equal((await state(tab)).status, 'signed-in');
  }
  await all[0].evaluate(() => globalThis.auth.fetch('/users/me'));
});

everywhere('without a session, the console of a page is empty', {}, async ({ front, page }) => {
  const tab = await front.open(page);
  assert.deepEqual(front.arrived.filter((one) => !one.includes('static')), [], 'no request before the first use');
  assert.deepEqual(await follow(tab), { status: 'signed-out', user: null });
  assert.deepEqual(front.arrived.filter((one) => !one.includes('static')), ['GET /auth/session']);
  assert.equal(await tab.evaluate(() => globalThis.auth.user()), null);
  assert.deepEqual(await heard(tab), []);
});
