# Notices: the inbox, and what one wants to hear of.

action-read_notice = Read notices
action-set_notice_wishes = Set what to be told
action-unsubscribe = End mail by a link
detail-notices = notices
detail-topic = topic
detail-channel = channel
detail-is-wanted = wanted
detail-manners = when and in which language mail comes
nav-notices = Notices
topic-application_moved = An application of mine moved on
topic-application_to_review = An application waits for review
notice = Notice
notice-application-moved = Your application { $number } is { $state }
notice-application-to-review = { $again ->
    [yes] The application { $number } was handed in again and waits for your review
   *[no] The application { $number } waits for your review
  }
notices-title = Inbox
notices-unread = { $n } unread
notices-all = All
notices-only-unread = Unread only
notices-read-all = Mark all as read
notices-older = Older
notices-none = Nothing here
notices-none-text = What concerns you stands here as it happens.
notice-read = Mark as read
notice-open = Open
notice-is-read = read
notice-is-unread = unread
wishes = What I want to hear of
wishes-save = Save
wishes-topics = Topics
wishes-topic = Topic
wishes-mail = Mail
wishes-no-mail = The center sends no mail.
wishes-no-address = No mail gets to you, as you gave no address.
wishes-address = My account
channel-inbox = Inbox
channel-mail = Mail
wish-lang = Language of mails
wish-lang-both = Both
wish-lang-zh = Chinese
wish-lang-en = English
wish-daily = When mail comes
wish-daily-hint = Once a day, all in one mail, by the center's clock.
wish-at-once = At once
wish-quiet-from = Quiet from
wish-quiet-until = Quiet until
wish-quiet-hint = What happens in between comes by mail at the end of it.
wish-never = Never
unsubscribe = End it
unsubscribe-title = End mail
unsubscribe-all = All notices by mail
unsubscribe-text = Mail of this kind ends with it. The inbox in the portal goes on.
unsubscribe-done = No more mail of this kind comes. Sign in to have it again.
