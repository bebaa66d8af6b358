# Notices: what people hear of, and the mails of the center.

action-read_mail = See the center's mail
action-test_mail = Send a test mail
action-retry_mail = Send a mail again
detail-address = address
detail-mail-purpose = purpose
event-balance-low = runs low
event-contract-expiring = ends soon
event-statement-issued = has a statement
event-endpoint-disabled = was disabled
endpoint-why-gone = it says that it is gone for good
endpoint-why-failing = nothing got there for days
topic-job_failed = A job of mine failed
topic-job_succeeded = A job of mine succeeded
topic-contract_submitted = A contract waits for a decision
topic-contract_changed = A contract changed
topic-contract_signed = A side signed the text of a contract
topic-quote_moved = A quote came, was withdrawn, or has expired
topic-quote_accepted = A quote was accepted
topic-node_failed = A node failed
topic-period_closed = A month was closed
topic-member_joined = Somebody became a member
topic-balance_low = The funds of a contract run low
topic-contract_expiring = The term of a contract ends soon
topic-statement_issued = A statement was issued
topic-budget_alert = A budget is used up to a share
topic-voucher_changed = A voucher changed
topic-claim_changed = A claim of ours moved on
topic-claim_to_verify = A claim waits to be verified
topic-claim_to_audit = A claim waits to be audited
topic-claim_to_pay = A claim waits to be paid
topic-endpoint_disabled = A webhook was disabled
topic-center_endpoint_disabled = Any webhook was disabled
notice-job-failed = The job { $name } ended: { $outcome }
notice-job-succeeded = The job { $name } succeeded
notice-contract-submitted = The contract { $number } waits for a decision
notice-contract-changed = The contract { $number } changed; it is { $state }
notice-contract-signed = A side signed the text of the contract { $number }
notice-quote-moved = The quote { $number }: { $state }
notice-quote-accepted = The quote { $number } was accepted
notice-node-failed = The node { $node } failed: { $reason }
notice-period-closed = The month { $month } was closed
notice-member-joined = { $login } became a member as { $role }
notice-balance-low = The contract { $number } has no more than { $percent } % of its funds left
notice-contract-expiring = The contract { $number } ends on { $date }, in { $days } days or sooner
notice-statement-issued = The statement { $statement } of { $month } for the contract { $number } was issued
notice-budget-alert = { $name } has used { $share } % of its budget
notice-voucher-changed = The voucher { $number } changed; it is { $state }
notice-claim-changed = The claim { $number } moved on; it is { $state }
notice-claim-to-verify = The claim { $number } waits to be verified
notice-claim-to-audit = The claim { $number } waits to be audited
notice-claim-to-pay = The claim { $number } waits to be paid
notice-endpoint-disabled = The endpoint { $name } was disabled: { $why }
notice-center-endpoint-disabled = The endpoint { $name } at { $address } was disabled: { $why }
mail-test-subject = A test
mail-test-text = Mail works: this one got to you.
mail-invitation-subject = You are invited
mail-invitation-text =
    You are invited to { $place } as { $role }.
    This link makes you a member. It is good for one person and one use, until { $date }:
mail-application-subject = Application { $number }: { $application }
mail-application-text =
    Your application { $number } is { $application }.{ $has-reason ->
        [yes] { " " }The center says: { $reason }
       *[no] { "" }
    }
    You see it, and go on with it, here. Whoever has this link can do so too:
mail-quote-subject = Quote { $number }
mail-quote-text =
    { $quote ->
        [withdrawn] The center has withdrawn the quote { $number } for your application { $of }.
       *[sent] The center has sent you the quote { $number } for your application { $of }. Please read it, and accept it if it suits you.
    }
    Whoever has this link can do so:
mail-job-began-subject = The job { $name } has begun
mail-job-began-text =
    { $found ->
        [no] The job { $name } has begun. Its mail is asked for to { $to }, which nobody of your organisation is called or has as an address, so it goes to whoever submitted the job.
       *[yes] The job { $name } has begun. Mail about it was asked for with the job.
    }
mail-job-again-subject = The job { $name } is tried again
mail-job-again-text =
    { $found ->
        [no] A run of the job { $name } was lost, and the center tries it again. Its mail is asked for to { $to }, which nobody of your organisation is called or has as an address, so it goes to whoever submitted the job.
       *[yes] A run of the job { $name } was lost, and the center tries it again. Mail about it was asked for with the job.
    }
mail-job-ended-subject = The job { $name } ended: { $outcome }
mail-job-ended-text =
    { $found ->
        [no] The job { $name } ended: { $outcome }. Its mail is asked for to { $to }, which nobody of your organisation is called or has as an address, so it goes to whoever submitted the job.
       *[yes] The job { $name } ended: { $outcome }. Mail about it was asked for with the job.
    }
mail-reset-subject = Another password for { $login }
mail-reset-text =
    Somebody asked for another password for { $login }. If it was not you, nothing is to be done.
    This link sets one. It is good for an hour, and once; it signs out all browsers:
