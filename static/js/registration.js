// The end of a registration: tells the LMS that opened this page, in a frame or a tab, that it may close it.
const button = document.querySelector("[data-close-registration]");
const opener = window.opener || (window.parent === window ? null : window.parent);

if (button && opener) {
  button.hidden = false;
  button.addEventListener("click", () => {
    for (const origin of button.dataset.closeRegistration.split(" ")) {
      opener.postMessage({ subject: "org.imsglobal.lti.close" }, origin);
    }
    document.querySelector("[data-close-status]").hidden = false;
    if (window.opener) window.close();
  });
}
