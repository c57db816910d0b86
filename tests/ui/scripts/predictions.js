async ({module, prediction}) => {
  const {headline, predictions} = await import(module);
  return [headline({prediction, seconds_a_day: 0}), predictions(prediction)];
}
