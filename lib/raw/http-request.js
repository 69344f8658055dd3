'use strict';

const EMPTY = Buffer.alloc(0);

/** Where `url` has its query, or its length. */
function queryAt(url) {
  const at = url.indexOf('?');
  return at === -1 ? url.length : at;
}

/**
 * A request of `UringHttpServer`. Header names and values are made into strings when they are asked for.
 */
class HttpRequest {
  #names = null; // lower case
  #rawHeaders;

  /**
   * @param {number} requestId
   * @param {string} method
   * @param {string} url
   * @param {string} httpVersion
   * @param {boolean} keepAlive
   * @param {string[] | (() => string[])} rawHeaders names and values in turn
   */
  constructor(requestId, method, url, httpVersion, keepAlive, rawHeaders) {
    this.requestId = requestId;
    this.method = method;
    this.url = url;
    this.httpVersion = httpVersion;
    this.keepAlive = keepAlive;
    this.body = EMPTY;
    this.#rawHeaders = rawHeaders;
  }

  /** The URL without its query. */
  get path() {
    return this.url.slice(0, queryAt(this.url));
  }

  /** What follows the `?`, or ''. */
  get query() {
    return this.url.slice(queryAt(this.url) + 1);
  }

  /** Names and values in turn, as they came. */
  get rawHeaders() {
    if (typeof this.#rawHeaders === 'function') this.#rawHeaders = this.#rawHeaders();
    return this.#rawHeaders;
  }

  /**
   * A header's value, whatever the case of its name; several of one name are joined with `', '`
   * (cookies with `'; '`).
   *
   * @param {string} name
   * @returns {string | undefined}
   */
  header(name) {
    const raw = this.rawHeaders;
    const wanted = name.toLowerCase();
    let found;
    if (this.#names === null) {
      this.#names = [];
      for (let i = 0; i < raw.length; i += 2) this.#names.push(raw[i].toLowerCase());
    }
    for (let i = this.#names.indexOf(wanted); i !== -1; i = this.#names.indexOf(wanted, i + 1)) {
      const value = raw[2 * i + 1];
      if (found === undefined) found = value;
      else found += (wanted === 'cookie' ? '; ' : ', ') + value;
    }
    return found;
  }
}

module.exports = { HttpRequest };
