# The words of mails, whatever they are about.

mail-notices-subject = { $n ->
    [one] { $n } notice
   *[other] { $n } notices
}
mail-footer = This mail was sent by { $center }. Nobody reads answers to it.
mail-unsubscribe = No more mail of this kind:
event-endpoint-test = a test
