/* SPDX-License-Identifier: ISC
 *
 * All that can be wrong with a domain's mail, a row for each: its short name,
 * how bad it is, and what it means in plain words.
 */
#include "posture.h"

#define ADVICE	POSTURE_ADVICE
#define FAULT	POSTURE_FAULT
#define UNKNOWN	POSTURE_UNKNOWN

const struct posture_text posture_texts[POSTURE_NFAULTS] = {
	[NO_DOMAIN] = { "no-domain", FAULT, "the domain does not exist" },
	[NOT_A_DOMAIN] = { "invalid", FAULT, "this is not a domain name" },
	[DOMAIN_BOGUS] = { "bogus", FAULT, "DNSSEC validation fails: "
	    "everyone who validates finds nothing there" },
	[NO_MAIL] = { "no-mail", FAULT, "there is neither an MX record nor an "
	    "address; say so openly if no mail is wanted" },
	[MX_ABSENT] = { "mx-absent", ADVICE, "there is no MX record, mail "
	    "goes to the address of the domain itself" },
	[NULLMX_MIXED] = { "nullmx-mixed", FAULT, "a null MX, which says that "
	    "no mail is taken, stands beside exchangers" },
	[MX_LITERAL] = { "mx-literal", FAULT, "this exchanger is an address, "
	    "and must be the name of a host" },
	[MX_ALIAS] = { "mx-alias", FAULT, "this exchanger is an alias (CNAME), "
	    "which senders need not follow" },
	[MX_NO_ADDRESS] = { "mx-no-address", FAULT, "this exchanger has no "
	    "address" },
	[MX_PRIVATE] = { "mx-private", FAULT, "this exchanger has an address "
	    "that cannot be reached from outside" },
	[MX_BOGUS_ADDRESS] = { "mx-bogus", FAULT, "DNSSEC validation fails for "
	    "this exchanger: senders who validate wait for it in vain" },
	[REVERSE_ABSENT] = { "reverse-absent", ADVICE, "this address has no "
	    "reverse name; mail sent from it is refused by many" },
	[REVERSE_UNCONFIRMED] = { "reverse-unconfirmed", ADVICE, "the reverse "
	    "name of this address does not lead back to it; mail sent from it "
	    "is refused by many" },

	[TLSA_INSECURE] = { "tlsa-insecure", ADVICE, "there are TLSA records, "
	    "which count for nothing without DNSSEC" },
	[TLSA_UNUSABLE] = { "tlsa-unusable", FAULT, "no TLSA record of this "
	    "exchanger can be used" },
	[TLSA_PARTLY] = { "tlsa-partly", ADVICE, "a TLSA record of this "
	    "exchanger cannot be used" },
	[TLSA_BOGUS] = { "tlsa-bogus", FAULT, "DNSSEC validation fails for the "
	    "TLSA records: senders who look for them wait in vain" },
	[TLSA_SOME] = { "tlsa-some", ADVICE, "other exchangers have TLSA "
	    "records, this one has none" },

	[STS_ABSENT] = { "sts-absent", ADVICE, "there is no MTA-STS: nothing "
	    "tells senders that TLS is expected" },
	[STS_SEVERAL] = { "sts-several", FAULT, "there are several MTA-STS "
	    "records, of which none counts" },
	[STS_RECORD] = { "sts-record", FAULT, "the MTA-STS record is "
	    "malformed, and does not count" },
	[STS_NO_POLICY] = { "sts-no-policy", FAULT, "there is an MTA-STS "
	    "record, but the policy cannot be fetched" },
	[STS_CERTIFICATE] = { "sts-certificate", FAULT, "the host of the "
	    "MTA-STS policy has no good certificate" },
	[STS_TYPE] = { "sts-type", FAULT, "the MTA-STS policy has not the "
	    "media type text/plain" },
	[STS_SYNTAX] = { "sts-syntax", FAULT, "the MTA-STS policy is "
	    "malformed, and does not count" },
	[STS_ORPHAN] = { "sts-orphan", FAULT, "there is an MTA-STS policy, but "
	    "no record, so that nobody looks for it" },
	[STS_MX] = { "sts-mx", FAULT, "the MTA-STS policy does not name this "
	    "exchanger" },
	[STS_IS_TESTING] = { "sts-testing", ADVICE, "the MTA-STS policy is in "
	    "testing mode: it protects nothing yet" },
	[STS_IS_NONE] = { "sts-none", ADVICE, "the MTA-STS policy has the mode "
	    "none: it protects nothing" },
	[STS_SHORT] = { "sts-short", ADVICE, "the MTA-STS policy is kept for "
	    "less than a day" },

	[TLSRPT_ABSENT] = { "tlsrpt-absent", ADVICE, "there is no TLSRPT "
	    "record: nobody reports failing TLS" },
	[TLSRPT_SEVERAL] = { "tlsrpt-several", FAULT, "there are several "
	    "TLSRPT records, of which none counts" },
	[TLSRPT_MALFORMED] = { "tlsrpt-record", FAULT, "the TLSRPT record is "
	    "malformed, and does not count" },
	[TLSRPT_USELESS] = { "tlsrpt-scheme", FAULT, "the TLSRPT record has "
	    "neither a mailto: nor an https: address" },

	[SPF_ABSENT] = { "spf-absent", FAULT, "there is no SPF record: who may "
	    "send for the domain is not said" },
	[SPF_IS_SEVERAL] = { "spf-several", FAULT, "there are several SPF "
	    "records, which is an error for receivers" },
	[SPF_SYNTAX] = { "spf-syntax", FAULT, "the SPF record is malformed, "
	    "which is an error for receivers" },
	[SPF_TARGET] = { "spf-target", FAULT, "the SPF record leads to a "
	    "domain without one, which is an error for receivers" },
	[SPF_LOOKUPS] = { "spf-lookups", FAULT, "the SPF record needs more "
	    "than 10 look-ups, which is an error for receivers" },
	[SPF_IS_LOOP] = { "spf-loop", FAULT, "the SPF record leads back to "
	    "itself, which is an error for receivers" },
	[SPF_EXCHANGERS] = { "spf-mx", FAULT, "an mx of the SPF record has "
	    "more than 10 exchangers, which is an error for receivers" },
	[SPF_VOIDS] = { "spf-voids", FAULT, "more than 2 look-ups of the SPF "
	    "record find nothing, which is an error for receivers" },
	[SPF_PTR_USED] = { "spf-ptr", ADVICE, "the SPF record uses ptr, which "
	    "is slow and unreliable, and which many do not heed" },
	[SPF_PASS_ALL] = { "spf-pass-all", FAULT, "the SPF record lets "
	    "everybody send for the domain" },
	[SPF_OPEN] = { "spf-open", ADVICE, "the SPF record says nothing about "
	    "senders it does not name" },
	[SPF_DEAD] = { "spf-dead", ADVICE, "the SPF record has terms that are "
	    "never looked at, beside its \"all\"" },
	[SPF_NO_SENDER] = { "spf-no-sender", ADVICE, "the domain takes no "
	    "mail, and its SPF record does not say that it sends none" },

	[DMARC_ABSENT] = { "dmarc-absent", FAULT, "there is no DMARC record: "
	    "large receivers distrust or refuse mail" },
	[DMARC_SEVERAL] = { "dmarc-several", FAULT, "there are several DMARC "
	    "records, of which none counts" },
	[DMARC_NO_POLICY] = { "dmarc-policy", FAULT, "the DMARC record has no "
	    "valid policy" },
	[DMARC_SYNTAX] = { "dmarc-syntax", FAULT, "a tag of the DMARC record "
	    "is malformed, and does not count" },
	[DMARC_IS_NONE] = { "dmarc-none", ADVICE, "the DMARC policy is none: "
	    "forged mail is let pass" },
	[DMARC_TESTING] = { "dmarc-testing", ADVICE, "the DMARC policy is in "
	    "test mode (t=y): it is not applied" },
	[DMARC_OLD_TAGS] = { "dmarc-obsolete", ADVICE, "the DMARC record has a "
	    "tag that is no longer heeded (pct, rf, ri)" },
	[DMARC_NO_REPORTS] = { "dmarc-no-reports", ADVICE, "the DMARC record "
	    "asks for no reports (rua)" },
	[DMARC_FOREIGN] = { "dmarc-foreign", FAULT, "reports go to another "
	    "domain, which does not say that it takes them; none are sent" },

	[CLIENTS_ABSENT] = { "clients-absent", ADVICE, "there are no SRV "
	    "records from which mail clients can configure themselves" },
	[CLIENTS_PLAIN] = { "clients-starttls", ADVICE, "mail clients are told "
	    "only of services that begin without TLS" },
	[CLIENTS_TARGET] = { "clients-target", FAULT, "mail clients are sent "
	    "to a host that has no address" },
	[CLIENTS_ALIAS] = { "clients-alias", FAULT, "mail clients are sent to "
	    "an alias (CNAME), which an SRV record must not name" },
	[CLIENTS_MIXED] = { "clients-mixed", FAULT, "this service is offered "
	    "and said not to be" },
	[CLIENTS_INCOMPLETE] = { "clients-incomplete", ADVICE, "mail clients "
	    "are told where mail is read, and not where it is sent, or the "
	    "other way round" },
	[UNANSWERED] = { "unanswered", UNKNOWN, "the DNS gives no answer now" },
};

const char *
posture_severity_name(enum posture_severity s)
{
	switch (s) {
	case POSTURE_ADVICE:
		return "advice";
	case POSTURE_FAULT:
		return "fault";
	case POSTURE_UNKNOWN:
		return "unknown";
	}
	return "unknown";
}
