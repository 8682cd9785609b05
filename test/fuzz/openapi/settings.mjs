/** How often a parameter is given a value that means something on this platform, instead of one that merely has its form. */
const PROBABILITY = 0.7;

/** @returns the configuration file of schemathesis (TOML); a text in JSON is one in TOML */
export function settings({ values }, auth) {
  const dictionaries = Object.entries(values).map(
    ([name, list]) => `[dictionaries.${id(name)}]\nvalues = ${JSON.stringify(list)}`,
  );
  const parameters = Object.keys(values).map(
    (name) => `${JSON.stringify(name)} = { dictionary = "${id(name)}", probability = ${PROBABILITY} }`,
  );
  const checks = auth === 'signed' ? CHECKS : CHECKS_OF_REFUSED;
  return [HEAD, checks, ...dictionaries, '[parameters]', ...parameters, ''].join('\n');
}

const id = (name) => name.replaceAll(/\W+/g, '-');

const HEAD = `
warnings = false
request-timeout = 40
suppress-health-check = ["all"]
[generation]
database = "none"
with-security-parameters = false
`;

/**
 * What a schema cannot say (that a recipient is known, a key is one's own) is refused with 403, 404, 409 or 422, so that data of the right form need
 * not be accepted, and a deleted resource may be named again by others.
 */
const CHECKS = `
[checks]
positive_data_acceptance.enabled = false
use_after_free.enabled = false
ensure_resource_availability.enabled = false
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 409, 413, 415, 422, 426]
`;

const CHECKS_OF_REFUSED = `${CHECKS}ignored_auth.enabled = false
`;
