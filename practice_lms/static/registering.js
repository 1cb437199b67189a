// The page around a tool that registers itself: the only word that it listens for is that the tool has finished.
(() => {
  const frame = document.querySelector("[data-registering]");
  window.addEventListener("message", ({ data, origin, source }) => {
    if (source !== frame.contentWindow || origin !== new URL(frame.src).origin) return;
    if (data?.subject === "org.imsglobal.lti.close") window.location.href = "/admin/tools/";
  });
})();
