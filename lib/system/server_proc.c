/* SPDX-License-Identifier: ISC
 *
 * Children by their pid, so that the end of one of a thousand is found at
 * once.
 */
#include "system/memory.h"
#include "system/server_local.h"

#define BUCKETS	1024

LIST_HEAD(proc_list, proc);

static struct proc_list table[BUCKETS];

void
proc_add(struct proc *p, pid_t pid)
{
	p->pid = pid;
	LIST_INSERT_HEAD(&table[(size_t)pid % BUCKETS], p, link);
}

void
proc_gone(struct proc *p)
{
	if (p->pid == 0)
		return;
	LIST_REMOVE(p, link);
	p->pid = 0;
}

struct proc *
proc_find(pid_t pid)
{
	struct proc *p;

	LIST_FOREACH(p, &table[(size_t)pid % BUCKETS], link)
		if (p->pid == pid)
			return p;
	return NULL;
}

void
proc_drop(void)
{
	memory_drop(table, sizeof(table));
}
