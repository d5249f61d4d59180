// A long table is not laid out before its rows are chosen.
document.documentElement.classList.add("early");
