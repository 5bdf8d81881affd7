"use strict";
// Refreshes the table of jobs once a second while the page is visible.

const BUSY = ["queued", "running", "stopping"];
const body = document.querySelector("#jobs tbody");
const pulse = document.getElementById("pulse");

function make(tag, text, className) {
  const element = document.createElement(tag);
  if (text) { element.textContent = text; }
  if (className) { element.className = className; }
  return element;
}

function ask(method, path) {
  fetch(path, { method: method }).then(refresh, () => undefined);
}

function addButton(cell, text, method, path) {
  const button = make("button", text);
  button.type = "button";
  button.addEventListener("click", () => { button.disabled = true; ask(method, path); });
  cell.append(button, " ");
}

function drawActions(cell, job) {
  const path = "/api/v1/jobs/" + job.id;
  if (job.kind === "training" && job.state === "running") {
    addButton(cell, "Stop, keep best", "POST", path + "/stop");
  }
  if (job.state === "queued" || job.state === "running") { addButton(cell, "Cancel", "DELETE", path); }
  if (job.kind === "training" && job.state === "interrupted") {
    addButton(cell, "Resume", "POST", path + "/resume");
  }
}

function localTime(text) {
  const time = new Date(text);
  const two = (number) => String(number).padStart(2, "0");
  return [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join("-")
    + " " + two(time.getHours()) + ":" + two(time.getMinutes());
}

function drawJob(job) {
  const row = make("tr");
  row.dataset.job = job.id;
  row.dataset.state = job.state;
  const name = make("td");
  name.append(make("b", job.kind), make("small", job.id));
  const state = make("td");
  state.append(make("span", job.state, "state " + job.state));
  const bar = make("progress");
  bar.max = job.maximum || 1;
  bar.value = job.maximum ? job.current : (job.state === "done" ? 1 : 0);
  const progress = make("td");
  progress.append(bar);
  const created = make("td");
  const time = make("time", localTime(job.created));
  time.dateTime = job.created;
  created.append(time);
  const actions = make("td");
  drawActions(actions, job);
  row.append(name, state, make("td", job.model || ""), progress,
    make("td", job.message, "message"), created, actions);
  return row;
}

let shown = "";

function draw(jobs) {
  const text = JSON.stringify(jobs);
  if (text === shown) { return; }
  shown = text;
  body.replaceChildren(...jobs.map(drawJob));
  document.getElementById("no-jobs").hidden = jobs.length > 0;
  const count = (states) => jobs.filter((job) => states.includes(job.state)).length;
  document.getElementById("running").textContent = count(["running", "stopping"]);
  document.getElementById("queued").textContent = count(["queued"]);
}

function tell(isConnected) {
  pulse.textContent = isConnected ? "connected" : "the service does not answer";
  pulse.classList.toggle("lost", !isConnected);
}

async function refresh() {
  try {
    const answer = await fetch("/api/v1/jobs?limit=50");
    if (!answer.ok) { throw new Error(String(answer.status)); }
    draw((await answer.json()).jobs);
    tell(true);
  } catch (error) {
    tell(false);
  }
}

async function run() {
  if (!document.hidden) { await refresh(); }
  const isBusy = document.querySelector(BUSY.map((state) => `[data-state=${state}]`).join(","));
  setTimeout(run, isBusy ? 1000 : 3000);
}

run();
