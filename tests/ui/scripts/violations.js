async rules => {
  const {violations} = await axe.run(document, {runOnly: {type: "tag", values: rules}});
  const said = node => `${node.html} ${node.failureSummary}`;
  return violations.map(({id, nodes}) => `${id}: ${nodes.slice(0, 3).map(said).join(" | ")}`);
}
