import { createRoot } from 'react-dom/client';
import { createClient } from 'vestibule-client';
import { AuthProvider } from 'vestibule-client/react';
import { App } from './App.jsx';

const url = import.meta.env.VITE_VESTIBULE_URL ?? 'http://localhost:8000';
const api = import.meta.env.VITE_API_URL ?? 'http://localhost:9000';
const auth = createClient({ url, transport: 'bearer', persist: 'tab', allow: [api] });

createRoot(document.getElementById('root')).render(
  <AuthProvider auth={auth}>
    <App api={api} />
  </AuthProvider>,
);
