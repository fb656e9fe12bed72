# What the filter before us thinks is spam, by its points: much of it is thrown
# away, the rest lies in Junk, with the points in the subject.
require ["fileinto", "variables", "relational", "comparator-i;ascii-numeric",
    "editheader", "mailbox"];

if header :matches "X-Spam-Score" "*.*" {
	set "points" "${1}";
}
if string :value "ge" :comparator "i;ascii-numeric" "${points}" "15" {
	discard;
} elsif anyof (string :value "ge" :comparator "i;ascii-numeric" "${points}"
    "5", header :is "X-Spam-Flag" "YES") {
	if header :matches "Subject" "*" {
		deleteheader "Subject";
		addheader "Subject" "[${points} points] ${1}";
	}
	fileinto :create "Junk";
}
