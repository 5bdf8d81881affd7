/** Immutable values that travel between the dialogs, the service and ImageJ; no ImageJ class is used here. */
package org.deepflash.records;
