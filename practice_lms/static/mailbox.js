// Looks for new mail every two seconds, and tells times in the reader's own zone. Without it the list reloads itself.
(() => {
  const EVERY = 2000;

  function localise(root) {
    for (const time of root.querySelectorAll("time[data-local]")) {
      const at = new Date(time.dateTime);
      const isToday = at.toDateString() === new Date().toDateString();
      time.textContent = at.toLocaleString(undefined, isToday ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" });
    }
  }

  const numbers = (root) => [...root.querySelectorAll("[data-mail]")].map((mail) => mail.dataset.mail).join();

  async function look() {
    const shown = document.querySelector("main");
    try {
      const reply = await fetch("/", { cache: "no-store" });
      const page = new DOMParser().parseFromString(await reply.text(), "text/html");
      const fresh = page.querySelector("main");
      if (numbers(fresh) !== numbers(shown)) {
        document.title = page.title;
        localise(fresh);
        shown.replaceWith(fresh);
      }
    } catch {
      // The demo has ended or is starting; the next look will tell.
    }
    setTimeout(look, EVERY);
  }

  localise(document);
  if (document.querySelector("[data-mails]")) setTimeout(look, EVERY);
})();
