//! Somebody in a real browser of their own, who goes through pages by what is on them.

use std::{
    cell::Cell,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    chromium::Chromium,
    codes::Device,
    site::{PASSWORD, PATIENCE, Site},
};

/// Fills the fields of a form that has the button, and presses it as a hand would. Gives what is in the way of that.
const SEND: &str = "\
    const to = form => form.getAttribute('action').split('?')[0];
    const forms = [...document.forms].filter(form => to(form).endsWith(action));
    const pressed = form => [...form.querySelectorAll('button:not([type=button])')]
      .find(one => one.checkVisibility() && (!button || one.value === button || one.textContent.trim() === button));
    const form = forms.find(pressed);
    if (!form) return `no form ${action} with a button ${button}, but ${[...document.forms].map(to)}`;
    for (const [name, value] of fields) {
      const all = [...form.querySelectorAll(`[name='${name}'], [name^='${name}/']`)];
      const picks = all.filter(field => ['radio', 'checkbox'].includes(field.type));
      if (picks.length) {
        const pick = picks.find(field => field.value === value);
        if (!pick) return `${name} can't be ${value}`;
        pick.checked = true;
        pick.dispatchEvent(new Event('change', { bubbles: true }));
        continue;
      }
      if (!all.length) return `no field ${name}`;
      for (const field of all) {
        if (!field.checkVisibility()) return `the field ${name} is not to be seen`;
        field.value = value;
        if (field.value !== value) return `${name} can't be ${value}`;
        field.dispatchEvent(new Event('change', { bubbles: true }));
      }
    }
    const wrong = [...form.elements].find(field => !field.checkValidity());
    if (wrong) return `${wrong.name}: ${wrong.validationMessage}`;
    window.isOld = true;
    pressed(form).click();
    return '';";

/// Follows the first link that is to be seen and leads to such an address; says which links there are otherwise.
const FOLLOW: &str = "\
    const links = [...document.querySelectorAll('a[href]')].filter(link => link.checkVisibility());
    const link = links.find(link => link.getAttribute('href') === to) ||
      links.find(link => link.getAttribute('href').includes(to)) ||
      links.find(link => link.textContent.trim() === to);
    if (!link) return `no link to ${to} at ${location.href}, but ${links.map(link => link.getAttribute('href'))}`;
    window.isOld = true;
    link.click();
    return '';";

/// A person with a name and a language.
#[derive(Debug)]
pub struct Person {
    pub name: &'static str,
    lang: &'static str,
    pub browser: Chromium,
    url: String,
    /// Where pictures of pages are kept, and how many there are.
    pictures: Option<PathBuf>,
    count: Cell<u32>,
}

impl Person {
    /// Somebody who has not been at the center yet. `None` where there is no chromedriver.
    pub fn new(site: &Site, name: &'static str, lang: &'static str) -> Option<Self> {
        let browser = Chromium::start()?;
        browser.set_width(1440);
        let person = Self { name, lang, browser, url: site.url.clone(), pictures: None, count: Cell::new(0) };
        person.open("/status");
        Some(person)
    }

    /// Keeps a picture of each page from now on.
    #[must_use]
    pub fn with_pictures(self, folder: &Path) -> Self {
        Self { pictures: Some(folder.to_owned()), ..self }
    }

    /// Opens a page of the center: a path, or a whole address such as a mail has.
    pub fn open(&self, address: &str) {
        let path = address.strip_prefix(&self.url).unwrap_or(address);
        let (page, anchor) =
            path.split_once('#').map_or((path, String::new()), |(page, anchor)| (page, format!("#{anchor}")));
        let more = if page.contains('?') { '&' } else { '?' };
        self.browser.open(&format!("{}{page}{more}lang={}{anchor}", self.url, self.lang));
        self.arrived();
    }

    /// Follows a link of the page: by its address, a part of that, or its words.
    pub fn follow(&self, to: &str) {
        self.leave(to);
        self.arrive();
    }

    /// [`Self::follow`] where it leads away from the center.
    pub fn leave(&self, to: &str) {
        let refused = self.browser.script(&format!("const to = {}; {FOLLOW}", json!(to)));
        assert_eq!(refused, "", "{} at {}: {}", self.name, self.path(), self.page());
    }

    /// Fills fields of the form that goes to such an address and presses its button, named by its value or its words; the first
    /// one where none is named.
    pub fn send(&self, action: &str, button: &str, fields: &[(&str, &str)]) {
        self.press(action, button, fields);
        self.arrive();
    }

    fn press(&self, action: &str, button: &str, fields: &[(&str, &str)]) {
        let (action, button, fields) = (json!(action), json!(button), json!(fields));
        let script = format!("const action = {action}, button = {button}, fields = {fields}; {SEND}");
        assert_eq!(self.browser.script(&script), "", "{} at {}: {}", self.name, self.path(), self.page());
    }

    /// Waits for another page, whole.
    fn arrive(&self) {
        self.wait_for("another page", || {
            let is_there = "return !window.isOld && document.readyState === 'complete'";
            (self.browser.script(is_there) == true).then_some(())
        });
        self.arrived();
    }

    /// A page is whole: in this person's language, no wider than the window, without an error in the console.
    fn arrived(&self) {
        if let Some(folder) = &self.pictures {
            self.count.set(self.count.get() + 1);
            let path: String =
                self.path().chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).take(40).collect();
            self.browser.keep_picture(&folder.join(format!(
                "{}-{:02}{path}.png",
                self.name,
                self.count.get()
            )));
        }
        let seen = self.browser.script(
            "return [document.documentElement.lang.slice(0, 2), document.documentElement.scrollWidth <= innerWidth, \
             !!document.querySelector('h1')]",
        );
        assert_eq!(seen, json!([self.lang, true, true]), "{} at {}: {}", self.name, self.path(), self.page());
        assert_eq!(
            self.browser.errors(),
            Vec::<String>::new(),
            "{} at {}: {}",
            self.name,
            self.path(),
            self.page()
        );
    }

    /// Looks until `look` finds something; `what` names it, should that take too long.
    pub fn wait_for<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(
                Instant::now() < until,
                "{} waited too long for {what} at {}: {}",
                self.name,
                self.path(),
                self.page()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Opens a page again and again until it has these words.
    pub fn wait_for_words(&self, path: &str, words: &str) {
        self.wait_for(words, || {
            self.browser.open(&format!("{}{path}", self.url));
            self.page().contains(words).then_some(())
        });
        self.arrived();
    }

    /// The path of the page, with what it is asked by.
    pub fn path(&self) -> String {
        self.text_of("return location.pathname + location.search")
    }

    /// The words of the page as they are to be seen.
    pub fn page(&self) -> String {
        self.text_of("return document.body.innerText")
    }

    /// The page's source.
    pub fn source(&self) -> String {
        self.text_of("return document.documentElement.outerHTML")
    }

    /// The text that a script in the page returns; none where it returns something else.
    pub fn text_of(&self, script: &str) -> String {
        self.browser.script(script).as_str().unwrap_or_default().to_owned()
    }

    /// The page has these words.
    pub fn reads(&self, words: &[&str]) {
        let page = self.page();
        for words in words {
            assert!(page.contains(words), "{} does not read {words:?} at {}: {page}", self.name, self.path());
        }
    }

    /// The file behind a link of the page, as the browser gets it.
    pub fn download(&self, to: &str) -> String {
        let script = format!(
            "const link = [...document.querySelectorAll('a[href]')].find(link => link.checkVisibility() && link.getAttribute('href').includes({})); \
             return link ? fetch(link.href).then(answer => answer.ok ? answer.text() : 'refused: ' + answer.status) : ''",
            json!(to)
        );
        let file = self.text_of(&script);
        assert!(
            !file.is_empty() && !file.starts_with("refused: "),
            "{} gets no {to}: {file} {}",
            self.name,
            self.page()
        );
        file
    }

    /// Signs in by the form of the page, which may be anywhere.
    pub fn sign_in(&self, login: &str) {
        self.open("/sign-in");
        self.send("/sign-in", "", &[("login", login), ("password", PASSWORD)]);
    }

    /// Sets up a second factor on the page of it.
    pub fn enrol(&self) -> Device {
        self.send("/second-factor/begin", "", &[("old", PASSWORD)]);
        let mut device = Device::of(&self.source());
        self.send("/second-factor/confirm", "", &[("code", &device.code())]);
        assert!(self.source().contains("recovery-codes"), "{}", self.page());
        device
    }
}
