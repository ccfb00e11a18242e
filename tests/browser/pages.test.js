/** The properties of every page: accessible in every state, small, with a strict policy, and usable on any screen. */

import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { capture, onEveryScreen } from './screens.js';
import { TEXTS, enter, revealing, scenario, signIn } from './support.js';

const fail = async (page) => {
  await enter(page, { name: 'ada', password: 'not the one' });
  await page.locator('#error:not([hidden])').waitFor();
};

/** Every page in every state. Each function opens the page and brings it into the state. */
const STATES = {
  login: ({ page, at }) => page.goto(at('/login')),
  'login-error': async ({ page, at }) => {
    await page.goto(at('/login'));
    await fail(page);
  },
  'login-helped': async ({ page, at }) => {
    await page.goto(at('/login'));
    await page.fill('#password', 'shown words');
    await revealing(page, 'password').click();
    await page.evaluate((sentence) => (document.getElementById('caps').textContent = sentence), TEXTS.script.login.caps);
  },
  'login-signed-out': ({ page, at }) => page.goto(at('/login?notice=signed_out')),
  'login-onward': ({ page, at }) => page.goto(at('/login?next=https://app.example.com/start')),
  'login-ended': async ({ page, server, at }) => {
    const ada = await server.user();
    await signIn(page, server, ada);
    server.command(['session', 'revoke', '--user', ada.name]);
    await page.waitForTimeout(1_500);
    await page.goto(at('/account'));
    await page.locator('.message.info').waitFor();
  },
  'login-limited': async ({ page, server, at }) => {
    const name = `nobody${Math.random()}`;
    const wrong = () => server.call('/auth/login', { username: name, password: 'not the one' });
    while ((await wrong()).status !== 429);
    await page.goto(at('/login'));
    await enter(page, { name, password: 'not the one' });
    await page.locator('#error[data-wait]').waitFor();
  },
  'login-choice': async ({ page, server, at }) => {
    const ada = await server.user();
    for (const device_name of ['Lost phone', 'Work']) {
      await server.call('/auth/login', { username: ada.name, password: ada.password, device_name });
    }
    await page.goto(at('/login'));
    await enter(page, ada);
    await page.locator('.choices').waitFor();
  },
  'login-consent': ({ page, at }) => page.goto(at('/login')),
  register: ({ page, at }) => page.goto(at('/register')),
  'register-closed': ({ page, at }) => page.goto(at('/register')),
  'register-typed': async ({ page, at }) => {
    await page.goto(at('/register'));
    await page.fill('#username', 'x');
    await page.locator('#password').pressSequentially('long enough');
  },
  'register-error': async ({ page, at }) => {
    await page.goto(at('/register'));
    await page.fill('#username', 'x');
    await page.fill('#password', 'password1234');
    await page.click('#submit');
    await page.locator('#error:not([hidden])').waitFor();
  },
  account: async ({ page, server }) => {
    const ada = await server.user();
    for (const device_name of ['Firefox 153 on Windows', 'An old telephone with a name that is much longer than it should be']) {
      await server.call('/auth/login', { username: ada.name, password: ada.password, device_name });
    }
    await signIn(page, server, ada);
  },
  'account-many': async ({ page, server }) => {
    const ada = await server.user();
    const names = ['Firefox 153 on Windows', 'متصفح أدا القديم', 'Report job', 'Kitchen', 'Work', 'Train'];
    for (const device_name of names) {
      await server.call('/auth/login', { username: ada.name, password: ada.password, device_name });
    }
    await signIn(page, server, ada);
  },
  'account-names': async ({ page, server }) => {
    const [ada, bob] = [await server.user(), await server.user()];
    await signIn(page, server, ada);
    await page.locator('summary', { hasText: TEXTS.account.names_open }).click();
    await page.fill('#username', bob.name);
    await page.fill('#names_password', ada.password);
    await page.locator('#change-names [type=submit]').click();
    await page.locator('[aria-invalid=true]').waitFor();
  },
  'account-open': async ({ page, server }) => {
    await signIn(page, server, await server.user());
    for (const summary of await page.locator('summary').all()) await summary.click();
  },
  'account-error': async ({ page, server }) => {
    await signIn(page, server, await server.user());
    await page.fill('#current_password', 'not the one');
    await page.fill('#new_password', 'another harbour 77 lantern');
    await page.locator('#change-password button[type=submit]').click();
    await page.locator('[aria-invalid=true]').waitFor();
  },
  privacy: ({ page, at }) => page.goto(at('/privacy')),
  logout: async ({ page, server, at }) => {
    await signIn(page, server, await server.user());
    await page.goto(at('/logout'));
    await page.locator('main form').waitFor();
  },
  loop: async ({ page, server, at }) => {
    await signIn(page, server, await server.user());
    // A browser that comes back again and again gets an explanation instead of a further redirect.
    for (let returns = 0; returns < 6; returns += 1) await page.goto(at('/auth/continue?next=/privacy'));
    await page.locator('h1', { hasText: TEXTS.continue.loop_title }).waitFor();
  },
  'not-found': ({ page, at }) => page.goto(at('/nothing-here')),
  link: ({ page, server, at }) => page.goto(at(server.invite().link)),
  'link-error': async ({ page, server, at }) => {
    await page.goto(at(server.invite().link));
    await page.fill('#password', 'password1234');
    await page.locator('#link [type=submit]').click();
    await page.locator('[aria-invalid=true]').waitFor();
  },
  'link-void': ({ page, at }) => page.goto(at('/link?token=unknown')),
  setup: async ({ page, server, at }) => page.goto(at(await server.setUpLink())),
  'setup-error': async ({ page, server, at }) => {
    await page.goto(at(await server.setUpLink()));
    await page.fill('#username', 'root');
    await page.fill('#password', 'password1234');
    await page.locator('#setup [type=submit]').click();
    await page.locator('[aria-invalid=true]').waitFor();
  },
  'setup-void': ({ page, at }) => page.goto(at('/setup?token=unknown')),
  'setup-checks': async ({ page, server }) => {
    const admin = await server.user();
    server.command(['user', 'set', admin.name, '--role', 'admin']);
    await signIn(page, server, admin, '/setup');
    await page.locator('.checks').waitFor();
  },
  continue: async ({ page, server, context, at }) => {
    await signIn(page, server, await server.user());
    // The access cookie is absent, and the server does not respond to the refresh.
    await context.clearCookies({ name: 'access_token' });
    await context.route('**/auth/refresh', (route) => route.abort());
    await page.goto(at('/auth/continue?next=/account'));
    await page.locator('#error:not([hidden])').waitFor();
  },
};

/** The settings of states that need a server of their own. The link of a server with an admin is void. */
const REJECTING = { max_devices_per_user: '2', device_limit_policy: 'reject' };
const LOGO = fileURLToPath(new URL('../../static/icon.svg', import.meta.url));
const SITE = { site_name: 'Ada’s Notes', site_logo: LOGO, allowed_redirect_hosts: 'app.example.com' };
const SETTINGS = {
  'setup-checks': { registration: 'closed' },
  'register-closed': { registration: 'closed' },
  'login-choice': REJECTING,
  'login-onward': SITE,
  'login-consent': { fingerprint_consent: 'ask' },
};

onEveryScreen(STATES, SETTINGS);

scenario('the sign-in page loads with at most four requests and 12 kB', async ({ t, page, server, watch }) => {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  const transferred = [];
  session.on('Network.loadingFinished', ({ encodedDataLength }) => transferred.push(encodedDataLength));
  await page.goto(`${server.url}/login`, { waitUntil: 'networkidle' });
  const bytes = transferred.reduce((sum, one) => sum + one, 0);
  const names = watch.requests.map((one) => new URL(one.url()).pathname.split('/').pop());
  t.diagnostic(`sign-in page: ${names.length} requests (${names.join(', ')}), ${bytes} bytes with headers`);
  assert.ok(names.length <= 4, `${names}`);
  assert.ok(bytes <= 12_000, `${bytes} bytes`);
});

scenario('the sign-in page with all its modules has at most 24 kB', async ({ t, page, server }) => {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  let bytes = 0;
  session.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
  await page.goto(`${server.url}/login`);
  const loaded = page.waitForResponse(/fingerprint\.js/);
  await page.locator('#username').pressSequentially('ada');
  await (await loaded).finished();
  t.diagnostic(`sign-in page with all its modules: ${bytes} bytes with headers`);
  assert.ok(bytes <= 24_000, `${bytes} bytes`);
});

scenario('assets are compressed, and can be cached for ever under a path with a hash', async ({ page, at, watch }) => {
  await page.goto(at('/login'), { waitUntil: 'networkidle' });
  const assets = watch.requests.map((one) => one.url()).filter((url) => url.includes('/static/'));
  assert.ok(assets.length >= 2);
  for (const url of assets) {
    assert.match(url, /\/static\/[\w-]{8,}\//);
    const response = await page.request.get(url, { headers: { 'Accept-Encoding': 'gzip' } });
    assert.match(response.headers()['cache-control'], /immutable/);
    assert.equal(response.headers()['content-encoding'], 'gzip');
  }
});

scenario('the first paint needs no script', async ({ page, server, context }) => {
  await context.route('**/*.js', () => {});
  await page.goto(`${server.url}/login`, { waitUntil: 'commit' });
  await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0);
  assert.ok(await page.locator('#submit').isVisible());
});

scenario('nothing moves while the page loads', async ({ page, server }) => {
  await page.goto(`${server.url}/login`, { waitUntil: 'networkidle' });
  const shift = await page.evaluate(
    () =>
      new Promise((resolve) => {
        let sum = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) sum += entry.value;
        }).observe({ type: 'layout-shift', buffered: true });
        setTimeout(() => resolve(sum), 300);
      }),
  );
  assert.ok(shift < 0.1, `layout shift ${shift}`);
});

scenario('every page has a strict policy, and is not cached', async ({ page, server, at, watch }) => {
  watch.tolerate(/404/);
  const seen = new Set();
  const check = async (path) => {
    const response = await page.goto(at(path));
    const headers = response.headers();
    const policy = headers['content-security-policy'];
    for (const part of [
      /default-src 'none'/, /script-src 'nonce-[\w+/=-]{16,}'/, /frame-ancestors 'none'/, /base-uri 'none'/, /form-action 'self'/,
      /require-trusted-types-for 'script'/, /trusted-types 'none'/,
    ]) {
      assert.match(policy, part, path);
    }
    assert.ok(!/unsafe|https?:|\*/.test(policy), policy);
    const nonce = /'nonce-([^']+)'/.exec(policy)[1];
    assert.ok(!seen.has(nonce), 'a nonce is used once');
    seen.add(nonce);
    assert.equal(headers['cache-control'], 'no-store', path);
    assert.equal(headers['x-content-type-options'], 'nosniff', path);
    assert.equal(headers['cross-origin-opener-policy'], 'same-origin', path);
  };
  for (const path of ['/login', '/login', '/register', '/privacy', '/nothing-here']) await check(path);
  await signIn(page, server, await server.user());
  await check('/account');
});

scenario('with reduced motion nothing moves', { context: { reducedMotion: 'reduce' } }, async ({ page, at }) => {
  await page.goto(at('/login'));
  const moving = await page.evaluate(() =>
    Array.from(document.querySelectorAll('*')).filter((one) => {
      const { transitionDuration, animationName } = getComputedStyle(one);
      return animationName !== 'none' || transitionDuration.split(',').some((time) => Number.parseFloat(time) > 0);
    }).length,
  );
  assert.equal(moving, 0);
});

scenario('dark mode is dark', { context: { colorScheme: 'dark' } }, async ({ page, at }) => {
  await page.goto(at('/login'));
  const lightness = await page.evaluate(() => {
    const [red, green, blue] = getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number);
    return (red + green + blue) / 3;
  });
  assert.ok(lightness < 60, `${lightness}`);
});

scenario('buttons, fields and links are large enough for a thumb', { context: { viewport: { width: 320, height: 640 } } }, async (tools) => {
  const { page, server } = tools;
  await signIn(page, server, await server.user());
  for (const path of ['/account', '/privacy']) {
    await page.goto(server.url + path);
    const small = await page.evaluate(() =>
      Array.from(document.querySelectorAll('button, input:not([type=hidden]):not([tabindex="-1"]), summary, a.button'))
        .filter((one) => one.checkVisibility())
        .map((one) => [one.outerHTML.slice(0, 80), one.getBoundingClientRect().height])
        .filter(([html, height]) => height < (html.includes('checkbox') ? 20 : 43.9)),
    );
    assert.deepEqual(small, [], path);
  }
});

const HOST = 'vestibule.test';
/** Chromium ignores this header over plain http, and writes a message to the console. */
const COOP = /Cross-Origin-Opener-Policy header has been ignored/;
const SECURE = { settings: { cookie_secure: 'true' }, browserArgs: [`--host-resolver-rules=MAP ${HOST} 127.0.0.1`] };

scenario('with secure cookies over plain http, the page names the setting', SECURE, async (tools) => {
  const { page, server, watch } = tools;
  const site = `http://${HOST}:${server.port}`;
  watch.allow(site);
  watch.tolerate(COOP);
  await page.goto(`${site}/login`);
  assert.match(await page.textContent('main'), /cookie_secure/);
  assert.match(await page.textContent('main'), new RegExp(TEXTS.trouble.title));
  await capture(page, 'login-trouble');
  await page.goto(`${server.url}/login`);
  assert.equal(await page.locator('#trouble').count(), 0, 'on localhost they work');
  await enter(page, await server.user());
  await page.waitForURL(`${server.url}/account`);
});

const PLAIN = { browserArgs: SECURE.browserArgs };

scenario('over plain http on another host, with cookies that are not secure, a person signs in bound', PLAIN, async (tools) => {
  const { page, server, watch } = tools;
  const site = `http://${HOST}:${server.port}`;
  watch.allow(site);
  watch.tolerate(COOP);
  await page.goto(`${site}/login`);
  assert.equal(await page.evaluate(() => isSecureContext), false);
  await enter(page, await server.user());
  await page.waitForURL(`${site}/account`);
  assert.match(await page.locator('#devices li').first().textContent(), new RegExp(TEXTS.account.bound));
});
