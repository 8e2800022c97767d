# SPDX-License-Identifier: GPL-2.0
#
# Counts the results of a KTAP stream, nested or not, and prints "P F". A result that stands below
# others only sums them up, and is not counted. These count as failures, too:
# a skipped test, a plan that is missing or not met, a bail-out, no test at all.

function fail(why) { printf "# ktap: %s\n", why > "/dev/stderr"; failed++ }

# Ends the blocks that stand at column c or to its right.
function end_blocks(c) {
	for (; depth > 0 && column[depth] >= c; depth--)
		if (plan[depth] != seen[depth])
			fail(sprintf("%s tests planned, %d seen",
				plan[depth] == "" ? "no" : plan[depth], seen[depth]))
}

function begin_block(c) {
	end_blocks(c)
	column[++depth] = c
	plan[depth] = ""
	seen[depth] = 0
	failed_before[depth] = failed
	blocks++
}

{
	match($0, /^ */)
	c = RLENGTH
	line = substr($0, c + 1)
}

line ~ /^KTAP version / { begin_block(c) }
line ~ /^1\.\.[0-9]+( |$)/ { plan[depth] = substr(line, 4) + 0 }
line ~ /^Bail out!/ { fail(line) }

line ~ /^(not )?ok [0-9]+( |$)/ {
	sums_up = depth > 0 && column[depth] > c
	end_blocks(c + 1)
	seen[depth]++
	# A failed result above others counts only if none of the others failed.
	if (line ~ /^not / || line ~ /# *[Ss][Kk][Ii][Pp]/) {
		if (!sums_up || failed == failed_before[depth])
			failed++
	} else if (!sums_up) {
		passed++
	}
	failed_before[depth] = failed
}

END {
	end_blocks(0)
	if (!blocks)
		fail("no KTAP output")
	printf "%d %d\n", passed, failed
}
