// Sends a form on its way without a click. Without JavaScript its button does it.
document.querySelector("[data-post-at-once]").submit();
