/** The types of the package, as an application uses them. TypeScript checks this file; nothing runs it. */

import { AuthError, createClient, type Auth, type ErrorCode, type Reason, type Session, type State, type User } from 'vestibule-client';
import { collect } from 'vestibule-client/fingerprint';
import { AuthProvider, useAuth } from 'vestibule-client/react';
import { verify } from 'vestibule-client/server';

const auth: Auth = createClient({ url: 'https://auth.example.com', transport: 'bearer', persist: 'tab', clientId: 'web' });
createClient({ allow: { 'https://api.example.com': { audience: 'https://api.example.com' } }, fingerprint: 'off', base: '/auth' });
createClient({ allow: ['https://api.example.com'] });
// @ts-expect-error there is no such transport
createClient({ transport: 'header' });
// @ts-expect-error there is no such place
createClient({ persist: 'server' });

const typed: typeof fetch = auth.fetch;
const state: State = auth.state;
const status: 'loading' | 'signed-in' | 'signed-out' = state.status;
const reason: Reason | undefined = state.reason;
// @ts-expect-error nobody may be signed in
const name: string = state.user.username;

export function greet(now: State): string {
  if (now.status === 'signed-in') return now.user.username ?? now.user.id;
  return now.status === 'loading' ? (now.error?.message ?? 'Loading') : (now.reason ?? 'Sign in');
}

export async function use(): Promise<unknown> {
  const user: User = await auth.login({ username: 'ada', password: 'quiet harbour lantern 42' });
  // @ts-expect-error the password is missing
  await auth.login({ username: 'ada' });
  // @ts-expect-error the server gives the id
  user.id satisfies number;
  const made: User = await auth.register({ email: 'ada@example.com', password: 'quiet harbour lantern 42' });
  const changed: User = await auth.update({ email: 'ada@example.com' });
  const asked: User | null = await auth.user();
  const token: string | null = await auth.accessToken({ audience: 'https://api.example.com' });
  const sessions: Session[] = await auth.sessions();
  await auth.endSession(sessions[0].id);
  await auth.confirm('quiet harbour lantern 42');
  await auth.changePassword('quiet harbour lantern 42', 'another harbour 77 lantern');
  await auth.refresh();
  await auth.logout({ everywhere: true });
  const off: () => void = auth.on('expired', (now: State) => now.reason === 'evicted');
  // @ts-expect-error there is no such event
  auth.on('expire', () => {});
  auth.subscribe(off)();
  auth.subscribe((now) => greet(now))();
  const where: string = auth.loginUrl('/notes');
  const claims = await verify(new Request(where), { url: 'https://auth.example.com', audience: 'https://api.example.com' });
  const permissions: string[] | undefined = claims?.permissions;
  const tenant: unknown = claims?.tenant;
  return [made, changed, asked, token, permissions, tenant, (await auth.ready).status, collect(), typed, status, reason, name];
}

export function why(error: unknown): ErrorCode | undefined {
  if (!(error instanceof AuthError)) return undefined;
  // @ts-expect-error there is no such code
  if (error.code === 'wrong_password') return undefined;
  const fields: { field: string; message: string }[] = error.fields;
  const seconds: number | undefined = error.retryAfter;
  return fields.length > 0 || seconds ? error.code : 'unreachable';
}

function Greeting() {
  const { status, user, login, fetch, auth } = useAuth();
  // @ts-expect-error the user of the state, not the function
  void user();
  return <button onClick={() => login({ email: 'ada@example.com', password: '' })}>{user?.username ?? status + typeof fetch + auth.state}</button>;
}

export const page = (
  <AuthProvider auth={auth}>
    <Greeting />
  </AuthProvider>
);
