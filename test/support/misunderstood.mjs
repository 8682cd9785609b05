/**
 * Statements that are wrong in themselves (of SQLSTATE class 42: syntax, columns, functions, types): the product may bear an error that it takes for an outage, and
 * no test sees it. Rights and tables that are missing, and objects that are there already, are what some tests ask for.
 * @param log of PostgreSQL, its lines beginning as deploy/stack has them: time, process, database, SQLSTATE
 * @returns each once, with what the server says of it
 */
export function misunderstood(log) {
  const errors = log.matchAll(
    / 42(?:601|702|703|704|803|804|846|883|P02|P10|P18) ERROR: .*\n(?:(?:\t| *\d{4}-.* (?:LINE|HINT|DETAIL|STATEMENT):).*\n)*/g,
  );
  return [...new Set([...errors].map(([text]) => text.replaceAll(/^\d{4}-\S+ \S+ UTC \[\d+\] /gm, '')))];
}
