# What comes from work, and what may wait.
require ["fileinto", "imap4flags", "mailbox"];

# The boss first: a flag that every mail program shows.
if address :is "from" ["boss@example.com", "payroll@example.com"] {
	addflag "\\Flagged";
	fileinto :create "Work";
	stop;
}

if allof (address :domain "from" "example.com",
    not header :contains "Subject" ["[URGENT]", "server down"]) {
	fileinto :create "Work.Later";
} elsif size :over 10M {
	fileinto :create "Large";
}
