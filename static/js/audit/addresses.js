// Where this check is asked for, as the server wrote it into the page.
export const addresses = JSON.parse(document.getElementById("addresses").textContent);
