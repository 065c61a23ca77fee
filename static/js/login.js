// A demo account fills in its name; the password stays to be typed.
for (const button of document.querySelectorAll("[data-name]")) {
  button.addEventListener("click", () => {
    document.getElementById("name").value = button.dataset.name;
    document.getElementById("password").focus();
  });
}
