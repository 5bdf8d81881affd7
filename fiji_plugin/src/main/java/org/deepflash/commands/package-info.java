/** One command per menu item: a dialog or a macro string becomes immutable settings, which are then carried out. */
package org.deepflash.commands;
