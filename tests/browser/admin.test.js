/** The pages of the administration: on every screen, by keyboard, and without JavaScript. */

import assert from 'node:assert/strict';
import { onEveryScreen } from './screens.js';
import { PASSWORD, SHORT, TEXTS, scenario, signIn, untilOver } from './support.js';

/** Signs a new admin in, and opens a page. */
async function open({ page, server }, path = '/admin') {
  const admin = await server.user();
  server.command(['user', 'set', admin.name, '--role', 'admin']);
  await signIn(page, server, admin);
  await page.goto(server.url + path);
  return admin;
}

const people = '/admin/ui/people';

/** Returns the path of the page of a user. */
function pageOf(server, { name }) {
  return `${people}/${JSON.parse(server.command(['user', 'show', name, '--json'])).id}`;
}

/** Opens the page of a new user, who is signed in on two devices. */
async function openPerson(tools) {
  const ada = await tools.server.user();
  for (const device_name of ['Firefox 153 on Windows', 'An old telephone with a name that is much longer than it should be']) {
    await tools.server.call('/auth/login', { username: ada.name, password: ada.password, device_name });
  }
  await open(tools, pageOf(tools.server, ada));
  return ada;
}

const submit = (page, form) => page.locator(`form[action$="${form}"] [type=submit]`).first().click();

let applications = 0;

/** Adds an application, whose secret is then shown. */
async function addApplication(tools) {
  await open(tools, '/admin/ui/applications');
  applications += 1;
  await tools.page.fill('#id', `album-${applications}`);
  await tools.page.fill('#name', 'Photo album');
  await submit(tools.page, '/applications/add');
  await tools.page.locator('.secret').waitFor();
}

onEveryScreen({
  'admin-overview': (tools) => open(tools),
  'admin-people': (tools) => open(tools, people),
  'admin-people-none': (tools) => open(tools, `${people}?q=nobody-is-called-so`),
  'admin-people-new': (tools) => open(tools, `${people}/new`),
  'admin-people-new-error': async (tools) => {
    await open(tools, `${people}/new`);
    await tools.page.fill('#username', 'two words\u202e');
    await submit(tools.page, '/new/add');
    await tools.page.locator('[aria-invalid=true]').waitFor();
  },
  'admin-person': openPerson,
  'admin-person-open': async (tools) => {
    await openPerson(tools);
    for (const summary of await tools.page.locator('summary').all()) await summary.click();
  },
  'admin-person-disabled': async (tools) => {
    await openPerson(tools);
    await tools.page.locator('section button.danger').first().click();
    await tools.page.locator('.badge.off').waitFor();
  },
  'admin-person-error': async (tools) => {
    await openPerson(tools);
    await tools.page.locator('summary').last().click();
    await tools.page.fill('#delete-confirm', 'somebody else');
    await submit(tools.page, '/delete');
    await tools.page.locator('[aria-invalid=true]').waitFor();
  },
  'admin-link': async (tools) => {
    await openPerson(tools);
    await submit(tools.page, '/link');
    await tools.page.locator('.secret').waitFor();
  },
  'admin-signed-in': (tools) => open(tools, '/admin/ui/signed-in'),
  'admin-roles': async (tools) => {
    tools.server.command(['role', 'set', 'editor', 'posts:write', 'posts:delete']);
    await open(tools, '/admin/ui/roles');
  },
  'admin-role': async (tools) => {
    tools.server.command(['role', 'set', 'editor', 'posts:write', 'posts:delete']);
    await open(tools, '/admin/ui/role/editor');
  },
  'admin-applications': (tools) => open(tools, '/admin/ui/applications'),
  'admin-secret': addApplication,
  'admin-application': async (tools) => {
    await addApplication(tools);
    await tools.page.locator('main a.button').click();
    await tools.page.locator('#change-title').waitFor();
  },
  'admin-activity': (tools) => open(tools, '/admin/ui/activity'),
  'admin-activity-error': (tools) => open(tools, '/admin/ui/activity?who=nobody-is-called-so&since=yesterday'),
  'admin-server': (tools) => open(tools, '/admin/ui/server'),
  'admin-forbidden': async ({ page, server }) => {
    await signIn(page, server, await server.user());
    await page.goto(`${server.url}/admin`);
  },
  'login-forgot': async ({ page, at }) => {
    await page.goto(at('/login'));
    await page.locator('.forgot summary').click();
  },
});

const PLAIN = { context: { javaScriptEnabled: false } };

async function signInPlainly({ page, server }, { name, password }) {
  await page.goto(`${server.url}/login`);
  await page.fill('#username', name);
  await page.fill('#password', password);
  await page.click('#submit');
}

scenario('without script: a person is invited, kept out, let in again and deleted', PLAIN, async (tools) => {
  const { page, server, watch } = tools;
  watch.tolerate(/422/);
  const admin = await server.user();
  server.command(['user', 'set', admin.name, '--role', 'admin']);
  await signInPlainly(tools, admin);
  await page.click(`text=${TEXTS.account.admin}`);
  await page.click(`nav >> text=${TEXTS.admin_menu.people}`);
  await page.click(`text=${TEXTS.admin_people.add}`);
  await page.fill('#username', 'grace');
  await submit(page, '/new/add');
  assert.match(await page.inputValue('.secret'), /\/link\?token=/);
  await page.click(`text=${TEXTS.admin_once.done}`);
  assert.equal(await page.textContent('h1'), 'grace');
  await page.click(`text=${TEXTS.admin_person.disable_submit.replace('{name}', 'grace')}`);
  await page.click(`text=${TEXTS.admin_person.enable_submit.replace('{name}', 'grace')}`);
  await page.locator('summary').last().click();
  await page.fill('#delete-confirm', 'Grace');
  await submit(page, '/delete');
  assert.match(await page.textContent('#error'), /must be exactly grace/);
  await page.fill('#delete-confirm', 'grace');
  await submit(page, '/delete');
  assert.match(await page.textContent('main'), new RegExp(TEXTS.notices.person_deleted));
});

scenario('a form that was open while the sign-in expired is carried out after the password', { settings: SHORT }, async (tools) => {
  const { page, watch } = tools;
  watch.tolerate(/401/);
  await open(tools, '/admin/ui/roles');
  await page.fill('#name', 'editor');
  await page.fill('#permissions', 'posts:write posts:delete');
  await untilOver();
  await submit(page, '/roles/add');
  assert.equal(await page.textContent('h1'), TEXTS.admin_password.title);
  await page.fill('#own_password', 'not the one');
  await page.locator('main [type=submit]').click();
  assert.match(await page.textContent('#error'), new RegExp(TEXTS.errors.wrong_password));
  await page.fill('#own_password', PASSWORD);
  await page.locator('main [type=submit]').click();
  assert.match(await page.textContent('main'), new RegExp(TEXTS.notices.role_saved));
  assert.match(await page.textContent('main'), /posts:delete/);
});

scenario('by keyboard: the menu, a search and a form, each with a visible focus', async (tools) => {
  const { page, server } = tools;
  const ada = await server.user();
  await open(tools);
  const focused = () => page.evaluate(() => {
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
    const { id, textContent, tagName } = document.activeElement;
    return { id, text: textContent.trim(), tag: tagName, visible: outlineStyle !== 'none' && outlineWidth !== '0px' };
  });
  const tabTo = async (found) => {
    for (let tabs = 0; tabs < 60; tabs += 1) {
      await page.keyboard.press('Tab');
      const now = await focused();
      assert.ok(now.visible, `${now.tag} ${now.text}`);
      if (found(now)) return;
    }
    assert.fail('Tab does not reach it');
  };
  await tabTo(({ text }) => text === TEXTS.admin_menu.people);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/people$/);
  await tabTo(({ id }) => id === 'q');
  await page.keyboard.type(ada.name);
  await page.keyboard.press('Enter');
  await page.waitForURL(/q=/);
  await tabTo(({ text }) => text === ada.name);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/people\/[0-9a-f-]{36}$/);
  await tabTo(({ text }) => text === TEXTS.admin_person.disable_submit.replace('{name}', ada.name));
  await page.keyboard.press('Enter');
  await page.locator('.badge.off').waitFor();
});

scenario('buttons, fields and links of the menu are large enough for a thumb', { context: { viewport: { width: 320, height: 640 } } }, async (tools) => {
  const { page, server } = tools;
  const ada = await openPerson(tools);
  for (const path of ['/admin', people, pageOf(server, ada), '/admin/ui/server', '/admin/ui/activity']) {
    await page.goto(server.url + path);
    const small = await page.evaluate(() =>
      Array.from(document.querySelectorAll('button, input:not([type=hidden]), select, textarea, summary, a.button, nav a'))
        .filter((one) => one.checkVisibility())
        .map((one) => [one.outerHTML.slice(0, 80), one.getBoundingClientRect().height])
        .filter(([html, height]) => height < (html.includes('checkbox') ? 20 : 43.9)),
    );
    assert.deepEqual(small, [], path);
  }
});
