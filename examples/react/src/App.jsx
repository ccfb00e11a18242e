import { useState } from 'react';
import { AuthError } from 'vestibule-client';
import { useAuth } from 'vestibule-client/react';

export function App({ api }) {
  const { status } = useAuth();
  return (
    <main>
      <h1>Notes</h1>
      {status === 'loading' && <p>Loading …</p>}
      {status === 'signed-out' && <SignIn />}
      {status === 'signed-in' && <Notes api={api} />}
    </main>
  );
}

const ENDS = {
  logged_out: 'You are signed out.',
  evicted: 'You were signed out because you signed in on too many devices.',
  disabled: 'Your account is disabled.',
  password_changed: 'Your password was changed. Sign in again.',
};

function SignIn() {
  const { login, reason } = useAuth();
  const [problem, setProblem] = useState('');

  async function signIn(event) {
    event.preventDefault();
    try {
      await login(Object.fromEntries(new FormData(event.target)));
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      setProblem(error.message);
    }
  }

  return (
    <form onSubmit={signIn}>
      <p role="status">{problem || (reason ? (ENDS[reason] ?? 'Sign in again.') : 'Sign in.')}</p>
      <label>
        Name or email <input name="username" autoComplete="username" required />
      </label>
      <label>
        Password <input name="password" type="password" autoComplete="current-password" required />
      </label>
      <button>Sign in</button>
    </form>
  );
}

function Notes({ api }) {
  const { user, fetch, logout } = useAuth();
  const [answer, setAnswer] = useState('');
  const leave = () => logout().catch((error) => setAnswer(error.message));

  async function ask() {
    try {
      setAnswer(await (await fetch(`${api}/me`)).text());
    } catch {
      setAnswer(`${api} does not answer: is it started?`);
    }
  }

  return (
    <>
      <p role="status">Hello {user.username ?? user.email}</p>
      <button onClick={ask}>Ask my own API who I am</button>
      <output>{answer}</output>
      <button onClick={leave}>Sign out</button>
    </>
  );
}
