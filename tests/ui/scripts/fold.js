// Folds all events over the first view, and returns the result and the last view in the same form.
async ([module, views, events]) => {
  const {Fold} = await import(module);
  const [first, last] = views, fold = new Fold(first);
  const expected = event => (event.sequence <= first.last_sequence ? "known" : "applied");
  for (const event of events.slice(0, 2)) if (fold.apply(event) !== expected(event)) throw new Error(`event ${event.sequence}`);
  if (fold.apply(events[4]) !== "gap") throw new Error("a gap was not noticed");
  for (const event of events) fold.apply(event);

  const attempt = ({number, status, started_at, finished_at, error}) => ({number, status, started_at, finished_at, error});
  const task = ({task_id, status, attempt: latest, started_at, finished_at, error, output_text, attempts}) =>
    ({task_id, status, latest, started_at, finished_at, error, output_text, attempts: attempts.map(attempt)});
  const shown = ({execution, progress, tasks, ...view}) => ({
    last: view.last ?? view.last_sequence, status: execution.status, output: execution.output, error: execution.error,
    finished: execution.finished_at, done: progress.done, percent: progress.percent,
    tasks: [...(tasks instanceof Map ? tasks.values() : tasks)].map(task),
  });
  return [shown(fold), shown(last)];
}
