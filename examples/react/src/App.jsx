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
      <p role="status">{problem || (reason ? `You were signed out: ${reason}.` : 'Sign in.')}</p>
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
      <button onClick={() => logout()}>Sign out</button>
    </>
  );
}
