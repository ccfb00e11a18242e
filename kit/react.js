'use client';

/**
 * The client in React: a provider, and a hook that returns the state and the functions of the client.
 *
 *     const auth = createClient({ url: 'https://auth.example.com' });
 *     createRoot(root).render(<AuthProvider auth={auth}><App /></AuthProvider>);
 *
 *     function App() {
 *       const { status, user, login, logout } = useAuth();
 *       …
 *     }
 *
 * @module
 */

import { createContext, createElement, useContext, useMemo, useSyncExternalStore } from 'react';

/** @typedef {import('./client.js').Auth} Auth */
/** @typedef {import('./client.js').State} State */

/**
 * The state, the client itself as `auth`, and its functions. `user` is `state.user`; the function is `auth.user()`.
 * @typedef {State & { auth: Auth } & Omit<Auth, 'ready' | 'state' | 'subscribe' | 'user' | 'prepare'>} UseAuth
 */

const Context = createContext(/** @type {Auth | null} */ (null));

/** The state while a server renders the page: the tokens are in the browser. @type {State} */
const LOADING = { status: 'loading', user: null };

/**
 * Gives a client to the components below.
 * @param {{ auth: Auth, children?: import('react').ReactNode }} props
 */
export function AuthProvider({ auth, children }) {
  return createElement(Context.Provider, { value: auth }, children);
}

/**
 * Returns the state and the functions of the client. The component is rendered again when the state changes.
 * @returns {UseAuth}
 * @throws {Error} if no `AuthProvider` is around the component
 */
export function useAuth() {
  const auth = useContext(Context);
  if (!auth) throw new Error('useAuth needs an <AuthProvider auth={…}> around the component');
  const state = useSyncExternalStore(auth.subscribe, () => auth.state, () => LOADING);
  return useMemo(() => {
    const { login, register, logout, accessToken, fetch, refresh, confirm, changePassword, update } = auth;
    const { sessions, endSession, loginUrl, on } = auth;
    const functions = { login, register, logout, accessToken, fetch, refresh, confirm, changePassword, update };
    return { auth, ...functions, sessions, endSession, loginUrl, on, ...state };
  }, [auth, state]);
}
