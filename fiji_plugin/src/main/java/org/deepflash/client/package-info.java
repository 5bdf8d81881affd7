/** HTTP and JSON: finding the service, asking it, waiting for jobs; no ImageJ class is used here. */
package org.deepflash.client;
