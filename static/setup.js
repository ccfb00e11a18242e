/**
 * The page that creates the first admin. The module adds the button that shows the password.
 *
 * @module
 */

import { helpWithPasswords } from './login.js';

for (const form of document.forms) helpWithPasswords(form);
