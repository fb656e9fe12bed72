# Mailing lists into folders of their own; and while I am away an answer to
# those who write to me, once a week.
require ["fileinto", "mailbox", "variables", "vacation"];

if header :matches "List-Id" "*<*.*>*" {
	set :lower :upperfirst "list" "${2}";
	fileinto :create "Lists.${list}";
	stop;
}

vacation :days 7 :subject "Away until Monday"
    :addresses ["bob@example.net", "robert@example.net"] text:
I am away, and read your mail on Monday.
.
;
