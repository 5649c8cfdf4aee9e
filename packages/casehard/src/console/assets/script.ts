/**
 * The one script: live figures of a job, a connection test without leaving the page, copying a line. Pages work without
 * it. It writes with textContent only.
 */
export const SCRIPT = `
'use strict';
for (const live of document.querySelectorAll('[data-events]')) {
  const source = new EventSource(live.dataset.events);
  source.onmessage = ({ data }) => {
    const news = JSON.parse(data);
    for (const [name, text] of Object.entries(news.texts)) {
      const target = live.querySelector('[data-live="' + name + '"]');
      if (target && target.textContent !== text) target.textContent = text;
    }
    const bar = live.querySelector('progress');
    if (bar && news.total > 0) { bar.max = news.total; bar.value = news.done; }
    if (news.ended) { source.close(); location.replace(location.pathname); }
  };
}
const { refresh } = document.body.dataset;
if (refresh && !document.querySelector('[data-events]')) setTimeout(() => location.replace(location.pathname), refresh * 1000);
for (const form of document.querySelectorAll('form[data-entry]')) {
  const output = form.querySelector('output');
  form.addEventListener('submit', async (event) => {
    const button = event.submitter;
    if (!button || button.value !== 'test' || !output) return;
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form));
    button.disabled = true;
    output.className = 'banner';
    output.textContent = 'Testing the connection …';
    try {
      const answer = await fetch(button.formAction, { method: 'POST', body, headers: { accept: 'application/json' } });
      if (!(answer.headers.get('content-type') ?? '').startsWith('application/json')) {
        form.action = button.formAction;
        form.submit();
        return;
      }
      const result = await answer.json();
      output.className = result.ok ? 'banner good' : 'banner bad';
      output.textContent = result.text;
    } catch {
      output.className = 'banner bad';
      output.textContent = 'The console did not answer. Load the page again.';
    }
    button.disabled = false;
  });
}
for (const line of document.querySelectorAll('[data-copy]')) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Copy';
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(line.textContent);
    button.textContent = 'Copied';
  });
  line.after(button);
}
`;
