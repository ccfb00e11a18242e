/** Builds the package: copies the modules to `dist/`, lets TypeScript check them, and generates `.d.ts` files from the JSDoc. */

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

rmSync(here('dist'), { recursive: true, force: true });
mkdirSync(here('dist'));
for (const module of ['../static/client.js', '../static/fingerprint.js', 'react.js', 'server.js']) {
  copyFileSync(here(module), here(`dist/${module.split('/').at(-1)}`));
}
for (const licence of ['LICENSE-MIT', 'LICENSE-APACHE']) copyFileSync(here(`../${licence}`), here(`dist/${licence}`));
const { status } = spawnSync(process.execPath, [here('node_modules/typescript/bin/tsc'), '-p', here('tsconfig.json')], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
